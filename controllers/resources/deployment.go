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
		WithTemplate(podTemplate(p))
	spec.Replicas = p.replicas()

	return appsv1ac.Deployment(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithSpec(spec)
}

// strategy replaces the one pod of the embedded store rather than rolling it: the volume, and the file on it, have one
// user at a time. Receivers that share a database roll, without ever being fewer than wanted. The numbers are said both,
// so that a switch to Recreate takes both away: the API server refuses one that is left.
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

// replicas is nil where the number is not the operator's: whoever scales owns the field, and a number applied here would
// undo what an autoscaler, or a person, chose. Only the embedded store knows its number by itself.
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
