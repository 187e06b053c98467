// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/poller"
)

// TestResponding checks that messages of another responder make the condition false, unless the receiver passes conversations
// to it.
func TestResponding(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		state   v1alpha1.State
		standby []string
		want    string // status and reason
	}{
		{"", nil, "True NoOtherResponder"},
		{"", []string{"42", "43"}, "False OtherResponder"},
		{v1alpha1.Disabled, []string{"42", "43"}, "False OtherResponder"},
		{v1alpha1.Enabled, nil, "True NoOtherResponder"},
		{v1alpha1.Enabled, []string{"42", "43"}, "True ConversationsPassed"},
	} {
		webhook := newWebhook("messaging", "sales")
		webhook.Spec.Processing.PassThreadControl = test.state

		status := newStatus(webhook, observation{deployment: running(1), reported: poller.Summary{
			Complete: true,
			Answered: true,
			Standby:  test.standby,
		}})

		c := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionResponding)
		if err := want(string(c.Status)+" "+c.Reason, test.want); err != nil {
			t.Errorf("passThreadControl %q, standby %v: %v", test.state, test.standby, err)
		}

		if !strings.Contains(c.Message, strings.Join(test.standby, ", ")) {
			t.Errorf("the message does not name the phone numbers %v: %s", test.standby, c.Message)
		}
	}
}
