// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	appsv1 "k8s.io/api/apps/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
)

// deployment replaces its pod rather than rolling it: the volume of the embedded store, and the file on it, have one
// user at a time.
func deployment(p Params) Object {
	return appsv1ac.Deployment(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithSpec(appsv1ac.DeploymentSpec().
			WithReplicas(p.replicas()).
			WithStrategy(appsv1ac.DeploymentStrategy().WithType(appsv1.RecreateDeploymentStrategyType)).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(p.selectorLabels())).
			WithTemplate(podTemplate(p)))
}

func (p Params) replicas() int32 {
	if replicas := p.webhook.Spec.Receiver.Replicas; replicas != nil {
		return *replicas
	}
	return 1
}
