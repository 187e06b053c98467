// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// TestAlertOfTheVolume checks that the alert is about the claim that the pods mount.
func TestAlertOfTheVolume(t *testing.T) {
	for _, test := range []struct{ name, existing, want string }{
		{"sales", "", "sales-store"},
		{"sales", "inboxes", "inboxes"},
		{strings.Repeat("long", 20), "", resources.Name(strings.Repeat("long", 20)) + "-store"},
	} {
		webhook := read(t, filepath.Join("testdata", "full"))
		webhook.Name = test.name
		webhook.Spec.Store.Embedded = &v1alpha1.EmbeddedStore{ExistingClaim: test.existing}

		var claims []string

		for _, rule := range rulesOf(t, webhook) {
			for _, match := range regexp.MustCompile(`persistentvolumeclaim="([^"]*)"`).FindAllStringSubmatch(rule.Expr, -1) {
				claims = append(claims, match[1])
			}
		}

		if diff := cmp.Diff([]string{test.want, test.want}, claims); diff != "" {
			t.Errorf("claims of %s with the existing claim %q (-want +got):\n%s", test.name, test.existing, diff)
		}
	}
}

// TestAlertTexts checks the texts for the person on call.
func TestAlertTexts(t *testing.T) {
	for _, rule := range rules(t) {
		for _, field := range []string{rule.Alert, rule.For, rule.Labels["severity"], rule.Annotations["summary"], rule.Annotations["description"], rule.Annotations["runbook_url"]} {
			if field == "" || strings.Contains(field, "@") {
				t.Errorf("alert %s: %q", rule.Alert, field)
			}
		}
	}
}
