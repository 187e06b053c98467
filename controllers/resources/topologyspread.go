// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
)

// topologySpread returns the constraints of the spec. The default spreads receivers over zones and nodes, so that the loss
// of one does not stop all of them, but still allows a single node. The embedded store has a single pod and needs none.
func topologySpread(p Params) []*corev1ac.TopologySpreadConstraintApplyConfiguration {
	selector := metav1ac.LabelSelector().WithMatchLabels(p.selectorLabels())
	if len(p.topologySpread) > 0 {
		for _, constraint := range p.topologySpread {
			if constraint.LabelSelector == nil {
				constraint.WithLabelSelector(selector)
			}
		}

		return p.topologySpread
	}

	if !shared(p.webhook.Spec.Store) {
		return nil
	}

	var constraints []*corev1ac.TopologySpreadConstraintApplyConfiguration
	for _, key := range []string{corev1.LabelTopologyZone, corev1.LabelHostname} {
		constraints = append(constraints, corev1ac.TopologySpreadConstraint().
			WithMaxSkew(1).
			WithTopologyKey(key).
			WithWhenUnsatisfiable(corev1.ScheduleAnyway).
			WithLabelSelector(selector).
			// Pods that a rolling update is about to replace do not count.
			WithMatchLabelKeys("pod-template-hash"))
	}

	return constraints
}
