// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

func TestTransitions(t *testing.T) {
	t.Parallel()

	one := func(kind string, v verdict) v1alpha1.WhatsAppWebhookStatus {
		return v1alpha1.WhatsAppWebhookStatus{Conditions: []metav1.Condition{{
			Type:    kind,
			Status:  v.status,
			Reason:  v.reason,
			Message: v.message,
		}}}
	}

	ready := func(reason string) v1alpha1.WhatsAppWebhookStatus {
		if reason == v1alpha1.ReasonReady {
			return one(v1alpha1.ConditionReady, yes(reason, ""))
		}

		return one(v1alpha1.ConditionReady, no(reason, ""))
	}
	for _, test := range []struct {
		before, after v1alpha1.WhatsAppWebhookStatus
		want          string
	}{
		{v1alpha1.WhatsAppWebhookStatus{}, ready(v1alpha1.ReasonProgressing), ""},
		{v1alpha1.WhatsAppWebhookStatus{}, ready(v1alpha1.ReasonObjectRejected), "Warning ObjectRejected"},
		{ready(v1alpha1.ReasonProgressing), ready(v1alpha1.ReasonReady), "Normal Ready"},
		{ready(v1alpha1.ReasonReady), ready(v1alpha1.ReasonReady), ""},
		{ready(v1alpha1.ReasonReady), ready(v1alpha1.ReasonProgressing), ""},
		{ready(v1alpha1.ReasonReady), ready(v1alpha1.ReasonUnavailable), "Warning Unavailable"},
		{ready(v1alpha1.ReasonReady), ready(v1alpha1.ReasonScaledToZero), "Normal ScaledToZero"},
		{ready(v1alpha1.ReasonObjectRejected), ready(v1alpha1.ReasonNameConflict), "Warning NameConflict"},
		{ready(v1alpha1.ReasonReady), ready(v1alpha1.ReasonRouteNotAccepted), "Warning RouteNotAccepted"},
		{ready(v1alpha1.ReasonReady), ready(v1alpha1.ReasonTokenRefused), ""},
		{one(v1alpha1.ConditionSecretsAvailable, yes(v1alpha1.ReasonSecretsComplete, "")), one(v1alpha1.ConditionSecretsAvailable, yes(v1alpha1.ReasonTokenExpiring, "")), "Warning TokenExpiring"},
		{one(v1alpha1.ConditionOperational, notReported), one(v1alpha1.ConditionOperational, yes(v1alpha1.ReasonOperational, "")), ""},
		{one(v1alpha1.ConditionOperational, notReported), one(v1alpha1.ConditionOperational, no(v1alpha1.ReasonProblemsReported, "")), "Warning ProblemsReported"},
		{one(v1alpha1.ConditionOperational, no(v1alpha1.ReasonProblemsReported, "")), one(v1alpha1.ConditionOperational, no(v1alpha1.ReasonProblemsReported, "other")), ""},
		{one(v1alpha1.ConditionOperational, no(v1alpha1.ReasonProblemsReported, "")), one(v1alpha1.ConditionOperational, yes(v1alpha1.ReasonOperational, "")), "Normal Operational"},
	} {
		var got []string
		for _, event := range transitions(test.before, test.after) {
			got = append(got, event.kind+" "+event.reason)
		}

		if got := strings.Join(got, ", "); got != test.want {
			t.Errorf("from %v to %v: events %q; want %q", test.before.Conditions, test.after.Conditions, got, test.want)
		}
	}
}
