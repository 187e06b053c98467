// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestSecretRotationRefusesNoDelivery(t *testing.T) {
	h := newHarness(t, nil)
	h.start()
	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), "with the old secret"))

	h.writeSecret(config.RoleAppSecret, "1", "new-secret")
	h.waitFor("new secret accepted", func() bool {
		status, _, err := standin.Deliver(t.Context(), h.client, h.Local.WebhookURL(), "new-secret", textDelivery("573001234567", standin.Wamid("2"), "with the new secret"))
		if err != nil {
			t.Fatal(err)
		}

		return status == http.StatusOK
	})
	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("3"), "with the old secret still"))

	h.writeSecret(config.RoleAppSecret, "0", "new-secret")
	h.waitFor("old secret refused", func() bool {
		status, _, err := standin.Deliver(t.Context(), h.client, h.Local.WebhookURL(), folder.AppSecret, textDelivery("573001234567", standin.Wamid("4"), "too late"))
		if err != nil {
			t.Fatal(err)
		}

		return status == http.StatusUnauthorized
	})
}

func TestMissingSecretIsReportedUntilItIsSet(t *testing.T) {
	h := newHarness(t, nil)
	h.writeSecret(config.RoleAppSecret, "0", "")
	h.start()
	h.deliver(http.StatusServiceUnavailable, textDelivery("573001234567", standin.Wamid("1"), "hello"))

	if code, body := h.adminPage("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, config.RoleAppSecret) {
		t.Errorf("GET /readyz = %d %q, want 503 that names the role", code, body)
	}

	if diff := cmp.Diff([]string{config.RoleAppSecret}, h.status().MissingSecrets); diff != "" {
		t.Errorf("missing secrets (-want +got):\n%s", diff)
	}

	h.writeSecret(config.RoleAppSecret, "0", folder.AppSecret)
	h.waitReady()
	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), "hello"))
	h.waitSent(1)
}

func TestStatusReportsTheToken(t *testing.T) {
	h := newHarness(t, nil)
	h.writeSecret(config.RoleAccessToken, "0", "expired")
	h.start()

	if got := h.status().Token; got != "unknown" {
		t.Errorf("token = %q before anything was sent, want unknown", got)
	}

	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), "hello"))
	h.waitFor("the token is refused", func() bool { return h.status().Token == "refused" })
	h.deliver(http.StatusOK, textDelivery("573007654321", standin.Wamid("2"), "deliveries are accepted all the same"))
	h.writeSecret(config.RoleAccessToken, "0", folder.AccessToken)
	h.waitSent(2)
	h.waitIdle()

	if got := h.status().Token; got != "accepted" {
		t.Errorf("token = %q after a new one, want accepted", got)
	}
}

// A secret with two lines cannot be sent. The message waits until it is corrected, and /status names the secret.
func TestMalformedSecretWaitsForACorrection(t *testing.T) {
	for role, correct := range map[string]string{
		config.RoleAccessToken:   folder.AccessToken,
		config.RoleBirdAccessKey: folder.BirdAccessKey,
	} {
		t.Run(role, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			h.writeSecret(role, "0", correct+"\nsecond line")
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitFor("the problem names the secret", func() bool {
				for _, problem := range h.status().Problems {
					if strings.Contains(problem, role) {
						return true
					}
				}

				return false
			})

			if got := h.record("wamid.1"); got.Event.State != store.Pending || got.Attempts != 0 {
				t.Errorf("state %s after %d attempts, want pending after none", got.Event.State, got.Attempts)
			}

			h.writeSecret(role, "0", correct)
			h.waitSent(1)
		})
	}
}
