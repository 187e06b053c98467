// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
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

// TestNoReceiverIsDownIfNoneIsWanted checks that no alert fires because a resource is scaled to 0.
func TestNoReceiverIsDownIfNoneIsWanted(t *testing.T) {
	for replicas, want := range map[int32]bool{0: false, 1: true} {
		webhook := read(t, filepath.Join("testdata", "monitoring"))
		webhook.Spec.Receiver.Replicas = &replicas

		isDown := func(r rule) bool { return r.Alert == "WhatsAppReceiverDown" }
		if got := slices.ContainsFunc(rulesOf(t, webhook), isDown); got != want {
			t.Errorf("%d replicas: WhatsAppReceiverDown is there: %t, want %t", replicas, got, want)
		}
	}
}

// TestTextsOfMissingSecrets checks that the alert and its runbook name the roles without which no delivery is accepted, and say
// what the others are for.
func TestTextsOfMissingSecrets(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}

	_, section, _ := strings.Cut(string(page), "\n### WhatsAppSecretMissing\n")
	section, _, _ = strings.Cut(section, "\n### ")
	texts := map[string]string{"the runbook": section}

	for _, rule := range rules(t) {
		if rule.Alert == "WhatsAppSecretMissing" {
			texts["the alert"] = rule.Annotations["description"]
		}
	}

	role := regexp.MustCompile(`\b(` + strings.Join(config.RequiredRoles, "|") + `)\b`)

	for name, text := range texts {
		before, after, found := strings.Cut(text, "no delivery is accepted")
		if diff := cmp.Diff(config.RolesForDeliveries, role.FindAllString(before, -1)); diff != "" || !found {
			t.Errorf("%s: roles without which no delivery is accepted (-want +got):\n%s", name, diff)
		}

		if name == "the runbook" {
			for _, other := range config.RequiredRoles {
				if !slices.Contains(config.RolesForDeliveries, other) && !slices.Contains(role.FindAllString(after, -1), other) {
					t.Errorf("%s does not say what %s is for", name, other)
				}
			}
		}
	}
}

// TestMissingKeysOfTheAIAreCauses checks that no symptom alerts while the key of any kind of AI is missing.
func TestMissingKeysOfTheAIAreCauses(t *testing.T) {
	keys := strings.Join([]string{config.RoleBirdAccessKey, config.RoleFlowSigningKey, config.RoleOpenAIKey}, "|")
	symptoms := []string{"WhatsAppAIRefused", "WhatsAppAIMethodUnavailable", "WhatsAppMessagesWaiting", "WhatsAppStatusesWaiting"}

	for _, rule := range rules(t) {
		if slices.Contains(symptoms, rule.Alert) && !strings.Contains(rule.Expr, `role=~"`+keys+`"`) {
			t.Errorf("%s alerts although a key is missing: %s", rule.Alert, rule.Expr)
		}
	}
}

// TestMissingSecretsAreCauses checks that no symptom alerts while WhatsAppSecretMissing names the cause: neither the subscription, which
// the receiver does not compare without all secrets, nor what it cannot do without one.
func TestMissingSecretsAreCauses(t *testing.T) {
	missing := func(roles string) string {
		return `(max(whatsapp_secret_missing{namespace="messaging",job="sales-admin"` + roles + `}) == 1)`
	}
	store := `role=~"database-url|store-key"`
	causes := map[string]string{
		"WhatsAppSubscriptionNotActive": missing(""),
		"WhatsAppDeliveriesNotTaken":    missing(`,role=~"` + strings.Join(config.RolesForDeliveries, "|") + `"`),
		"WhatsAppStoreFailing":          missing("," + store),
		"WhatsAppNoticesWaiting":        missing(`,role=~"handoff-key|sink-signing-key"`),
		"WhatsAppAnswersMissing":        missing(`,role="messages-assistant-key"`),
		"WhatsAppMessagesWaiting":       store,
		"WhatsAppStatusesWaiting":       store,
	}

	for _, rule := range rules(t) {
		cause, isSymptom := causes[rule.Alert]
		if !isSymptom {
			continue
		}

		delete(causes, rule.Alert)

		if _, after, _ := strings.Cut(rule.Expr, "unless on () "); !strings.Contains(after, cause) {
			t.Errorf("%s alerts although a secret is missing: %s", rule.Alert, rule.Expr)
		}
	}

	if len(causes) > 0 {
		t.Errorf("there are no such alerts: %v", causes)
	}
}

// TestAlertsNameTheFieldsOfTheAI checks that the texts name fields that the resource has, by the kind of its AI.
func TestAlertsNameTheFieldsOfTheAI(t *testing.T) {
	kinds := map[string]struct {
		url, refused string
		none         []string
	}{
		"full": {
			"spec.bird.baseURL",
			"refuses the access key of spec.bird.accessKeySecretRef, the account",
			[]string{"spec.openAI", "spec.bird.flow"},
		},
		"flow": {
			"spec.bird.baseURL",
			"refuses the access key of spec.bird.accessKeySecretRef, the signature by the key of spec.bird.flow.signingKeySecretRef, the account",
			[]string{"spec.openAI", "spec.bird.endpoints"},
		},
		"openai": {
			"spec.openAI.baseURL",
			"refuses the key of spec.openAI.keySecretRef, the account",
			[]string{"spec.bird", "not sent to the AI", "waited for the AI"},
		},
	}
	for kind, test := range kinds {
		texts := map[string]string{}
		for _, rule := range rulesOf(t, read(t, filepath.Join("testdata", kind))) {
			texts[rule.Alert] = rule.Annotations["summary"] + ": " + rule.Annotations["description"]
		}

		for name, want := range map[string]string{"WhatsAppAIUnavailable": test.url, "WhatsAppAIRefused": test.refused} {
			if !strings.Contains(texts[name], want) {
				t.Errorf("%s: %s lacks %q: %s", kind, name, want, texts[name])
			}
		}

		for name, text := range texts {
			for _, none := range append(test.none, "Bird") {
				if strings.Contains(text, none) {
					t.Errorf("%s: %s has %q: %s", kind, name, none, text)
				}
			}
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
