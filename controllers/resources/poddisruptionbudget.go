// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"
)

// podDisruptionBudget always allows the eviction of unready pods: a pod that waits for a secret serves no requests, and must
// not block the drain of a node.
func podDisruptionBudget(p Params) Object {
	maxUnavailable := p.webhook.Spec.Receiver.PodDisruptionBudget.MaxUnavailable
	if maxUnavailable == nil {
		return nil
	}

	return policyv1ac.PodDisruptionBudget(p.name, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(p.annotations()).
		WithSpec(policyv1ac.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromInt32(*maxUnavailable)).
			WithUnhealthyPodEvictionPolicy(policyv1.AlwaysAllow).
			WithSelector(metav1ac.LabelSelector().WithMatchLabels(p.selectorLabels())))
}
