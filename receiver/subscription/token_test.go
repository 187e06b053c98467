// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestToken(t *testing.T) {
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		options standin.GraphOptions
		adjust  func(*harness)
		token   health.TokenState
		expires time.Time
		problem string
		calls   int // for account and number
	}{
		"without expiry": {token: health.TokenAccepted, calls: 3},
		"with expiry": {
			options: standin.GraphOptions{TokenExpiresAt: start.Add(time.Hour)},
			token:   health.TokenAccepted,
			expires: start.Add(time.Hour),
			calls:   3,
		},
		"expired": {
			options: standin.GraphOptions{TokenExpiresAt: start.Add(-time.Hour)},
			token:   health.TokenRefused,
			expires: start.Add(-time.Hour),
			problem: "the access token expired on 2026-11-23T11:00:00Z: make one of a system user",
		},
		"unknown": {
			options: standin.GraphOptions{AccessTokens: []string{"another"}},
			token:   health.TokenRefused,
			problem: "the access token is not valid",
		},
		"may not send": {
			options: standin.GraphOptions{TokenScopes: []string{managementPermission}},
			token:   health.TokenAccepted,
			problem: "the access token lacks the permission whatsapp_business_messaging",
			calls:   3,
		},
		"may not manage": {
			options: standin.GraphOptions{TokenScopes: []string{messagingPermission}},
			token:   health.TokenAccepted,
			problem: "the access token lacks the permission whatsapp_business_management",
		},
		"of another app": {adjust: func(h *harness) {
			h.graph.Faults.Add(standin.Fault{
				PathPrefix: "/debug_token",
				Status:     200,
				Body:       `{"data":{"app_id":"78","is_valid":true}}`,
			})
		}, token: health.TokenAccepted, problem: "the access token was made for app 78, not for app 77"},
		"data access ends first": {
			adjust: func(h *harness) {
				h.graph.Faults.Add(standin.Fault{
					PathPrefix: "/debug_token",
					Status:     200,
					Body: `{"data":{"app_id":"77","is_valid":true,"expires_at":1800000000,
				"data_access_expires_at":1790000000,"scopes":["whatsapp_business_management","whatsapp_business_messaging"]}}`,
				})
			},
			token:   health.TokenAccepted,
			expires: time.Unix(1790000000, 0).UTC(),
			calls:   3,
		},
		"inspection refused": {
			adjust: func(h *harness) {
				fault := standin.GraphError(100, "", 0)
				fault.PathPrefix = "/debug_token"
				h.graph.Faults.Add(fault)
			},
			token:   health.TokenUnknown,
			problem: "app 77 may not inspect the access token: it was issued for another app (100)",
			calls:   3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, tc.options, nil)
			if tc.adjust != nil {
				tc.adjust(h)
			}

			h.start()

			state := health.SubscriptionActive
			if tc.problem != "" {
				state = health.SubscriptionFailed
			}

			h.checkState(state, tc.problem)

			if got := h.reconciler.Token(); got != tc.token {
				t.Errorf("token %s, want %s", got, tc.token)
			}

			if got := h.reconciler.TokenExpiresAt(); !got.Equal(tc.expires) {
				t.Errorf("token expires at %v, want %v", got, tc.expires)
			}

			calls := 0
			for _, path := range h.calls("") {
				if path == accountURL || path == numberPath {
					calls++
				}
			}

			if calls != tc.calls {
				t.Errorf("%d calls with the access token, want %d", calls, tc.calls)
			}
		})
	}
}

func TestTokenStateIsTheLatestReport(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, nil)
	h.sends = health.TokenRefused
	h.start()

	if got := h.reconciler.Token(); got != health.TokenAccepted {
		t.Errorf("token %s, want the state of the check, which is newer than that of the sends", got)
	}

	h.sends = health.TokenAccepted
	h.advance(checkInterval)

	h.sends = health.TokenRefused
	if got := h.reconciler.Token(); got != health.TokenRefused {
		t.Errorf("token %s, want the state of the sends, which is newer", got)
	}
}

func TestTokenExpiryIsRememberedWhileMetaIsDown(t *testing.T) {
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	h := newHarness(t, standin.GraphOptions{TokenExpiresAt: end}, nil)
	h.start()
	h.graph.Faults.Add(standin.Fault{PathPrefix: "/debug_token", Status: 503})
	h.advance(checkInterval)
	h.checkState(health.SubscriptionFailed, "inspect the access token: Meta's server failed (http_503)")

	if got := h.reconciler.TokenExpiresAt(); !got.Equal(end) {
		t.Errorf("token expires at %v, want %v as reported before", got, end)
	}
}

func TestAppSecrets(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{AppSecret: "rotated-secret"}, nil)
	h.start()
	h.checkState(health.SubscriptionFailed, "inspect the access token: Meta refuses the app secret: check that it is the one of app 77 (190)")
	h.secret(config.RoleAppSecret, appSecret, "rotated-secret")
	h.reload()
	h.checkState(health.SubscriptionActive, "")
}
