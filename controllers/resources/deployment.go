// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

func deployment(p Params) Object {
	spec := appsv1ac.DeploymentSpec().
		WithStrategy(strategy(p.webhook.Spec.Store)).
		WithSelector(metav1ac.LabelSelector().WithMatchLabels(p.selectorLabels())).
		WithTemplate(p.template)
	spec.Replicas = p.replicas()

	return appsv1ac.Deployment(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(p.annotations()).
		WithSpec(spec)
}

// strategy recreates the single pod of the embedded store, whose volume and file have one user at a time. Receivers that
// share a database roll, and never fall below the wanted number. Both numbers are set, so that a switch to Recreate
// removes both: the API server rejects a leftover one.
func strategy(wanted v1alpha1.StoreSpec) *appsv1ac.DeploymentStrategyApplyConfiguration {
	if !shared(wanted) {
		return appsv1ac.DeploymentStrategy().WithType(appsv1.RecreateDeploymentStrategyType)
	}

	return appsv1ac.DeploymentStrategy().
		WithType(appsv1.RollingUpdateDeploymentStrategyType).
		WithRollingUpdate(appsv1ac.RollingUpdateDeployment().
			WithMaxUnavailable(intstr.FromInt32(0)).
			WithMaxSurge(intstr.FromInt32(1)))
}

// replicas returns nil if the operator does not choose the number: an autoscaler or a person then owns the field, and a
// number applied here would undo theirs. Only the embedded store implies a number.
func (p Params) replicas() *int32 {
	receiver := p.webhook.Spec.Receiver
	switch {
	case receiver.Autoscaling.MaxReplicas > 0:
		return nil
	case receiver.Replicas != nil:
		return receiver.Replicas
	case shared(p.webhook.Spec.Store):
		return nil
	}

	return new(int32(1))
}
