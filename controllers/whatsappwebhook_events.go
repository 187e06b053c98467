// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

type event struct{ kind, reason, note string }

// transitions returns an event for each notable change of a condition. Other changes, such as progress, only appear in the
// conditions.
func transitions(before, after v1alpha1.WhatsAppWebhookStatus) []event {
	var events []event
	for _, kind := range []string{
		v1alpha1.ConditionReady,
		v1alpha1.ConditionSecretsAvailable,
		v1alpha1.ConditionSubscribed,
		v1alpha1.ConditionResponding,
		v1alpha1.ConditionOperational,
		v1alpha1.ConditionExtensionsAvailable,
	} {
		then := meta.FindStatusCondition(before.Conditions, kind)
		now := meta.FindStatusCondition(after.Conditions, kind)

		unchanged := now == nil || (then != nil && then.Reason == now.Reason)
		if unchanged || !isNotable(then, now) {
			continue
		}

		events = append(events, event{
			kind:   severity(now),
			reason: now.Reason,
			note:   now.Message,
		})
	}

	return events
}

// withoutEvent are the reasons of Ready without their own event: a part is in progress, or another condition has
// the event.
var withoutEvent = []string{
	v1alpha1.ReasonProgressing,
	v1alpha1.ReasonRoutePending,
	v1alpha1.ReasonLoadBalancerPending,
	v1alpha1.ReasonVolumeResizing,
	v1alpha1.ReasonAutoscalerNotReady,
	v1alpha1.ReasonSubscriptionPending,
	v1alpha1.ReasonSecretMissing,
	v1alpha1.ReasonTokenRefused,
	v1alpha1.ReasonExtensionMissing,
	v1alpha1.ReasonSubscriptionFailed,
}

// isNotable reports whether a person should know of the transition.
func isNotable(then, now *metav1.Condition) bool {
	switch {
	case now.Status == metav1.ConditionUnknown:
		return false
	case now.Reason == v1alpha1.ReasonNotRequested:
		return false
	case now.Type == v1alpha1.ConditionReady:
		return !slices.Contains(withoutEvent, now.Reason)
	case now.Status == metav1.ConditionFalse || now.Reason == v1alpha1.ReasonTokenExpiring:
		return true
	default:
		return then != nil && then.Status == metav1.ConditionFalse || now.Type == v1alpha1.ConditionSubscribed
	}
}

func severity(c *metav1.Condition) string {
	if c.Status == metav1.ConditionTrue && c.Reason != v1alpha1.ReasonTokenExpiring || c.Reason == v1alpha1.ReasonScaledToZero {
		return corev1.EventTypeNormal
	}

	return corev1.EventTypeWarning
}
