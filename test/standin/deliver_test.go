// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSign compares signatures with values from another implementation of HMAC-SHA256.
func TestSign(t *testing.T) {
	for body, want := range map[string]string{
		`{"object":"whatsapp_business_account","entry":[]}`: "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
		`{"t":"caf\u00e9"}`: "sha256=4ea6a0b98c398d90012c91879a402e35f5fb380bf29a0730c5624a620e8be966",
	} {
		if got := Sign("test_app_secret", []byte(body)); got != want {
			t.Errorf("Sign(%s) = %s, want %s", body, got, want)
		}
	}
}

func TestEnvelopes(t *testing.T) {
	at := time.Unix(1749416383, 5)
	envelope := func(value map[string]any) map[string]any {
		value["messaging_product"] = "whatsapp"
		value["metadata"] = map[string]any{
			"display_phone_number": DeliveryDisplayPhoneNumber,
			"phone_number_id":      testNumber,
		}

		return map[string]any{
			"object": "whatsapp_business_account",
			"entry": []any{map[string]any{
				"id":      DeliveryBusinessAccountID,
				"changes": []any{map[string]any{"field": "messages", "value": value}},
			}},
		}
	}

	pricing := map[string]any{
		"billable":      false,
		"pricing_model": "PMP",
		"type":          "free_customer_service",
		"category":      "service",
	}
	for _, tc := range []struct {
		name string
		got  []byte
		want map[string]any
	}{
		{
			name: "text",
			got:  TextDelivery(testNumber, "573001234567", "Añe 👍", "wamid.1", "a/b <c>", at),
			want: map[string]any{
				"contacts": []any{map[string]any{"profile": map[string]any{"name": "Añe 👍"}, "wa_id": "573001234567"}},
				"messages": []any{map[string]any{
					"from":      "573001234567",
					"id":        "wamid.1",
					"timestamp": "1749416383",
					"type":      "text",
					"text":      map[string]any{"body": "a/b <c>"},
				}},
			},
		},
		{
			name: "message of a business-scoped id",
			got:  MessageDelivery(testNumber, "US.1", "Ana", "wamid.1", "image", map[string]any{"id": "m1"}, at),
			want: map[string]any{
				"contacts": []any{map[string]any{"profile": map[string]any{"name": "Ana"}, "user_id": "US.1"}},
				"messages": []any{map[string]any{
					"from_user_id": "US.1",
					"id":           "wamid.1",
					"timestamp":    "1749416383",
					"type":         "image",
					"image":        map[string]any{"id": "m1"},
				}},
			},
		},
		{
			name: "sent",
			got:  StatusDelivery(testNumber, "wamid.1", "sent", "573001234567", "e1", at),
			want: map[string]any{
				"contacts": []any{map[string]any{"wa_id": "573001234567"}},
				"statuses": []any{map[string]any{
					"id":                       "wamid.1",
					"status":                   "sent",
					"timestamp":                "1749416383",
					"recipient_id":             "573001234567",
					"biz_opaque_callback_data": "e1",
					"pricing":                  pricing,
				}},
			},
		},
		{
			name: "read by a business-scoped id",
			got:  StatusDelivery(testNumber, "wamid.1", "read", "US.1", "", at),
			want: map[string]any{
				"contacts": []any{map[string]any{"user_id": "US.1"}},
				"statuses": []any{map[string]any{
					"id":                "wamid.1",
					"status":            "read",
					"timestamp":         "1749416383",
					"recipient_user_id": "US.1",
				}},
			},
		},
		{
			name: "failed",
			got:  FailedDelivery(testNumber, "wamid.1", "573001234567", "", 131026, at),
			want: map[string]any{
				"statuses": []any{map[string]any{
					"id":           "wamid.1",
					"status":       "failed",
					"timestamp":    "1749416383",
					"recipient_id": "573001234567",
					"errors": []any{map[string]any{
						"code":       131026.0,
						"title":      "Message undeliverable",
						"message":    "Message undeliverable",
						"error_data": map[string]any{"details": "Message undeliverable"},
						"href":       "/documentation/business-messaging/whatsapp/support/error-codes",
					}},
				}},
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(envelope(tc.want), object(t, string(tc.got))); diff != "" {
				t.Errorf("envelope (-want +got):\n%s", diff)
			}

			if strings.ContainsFunc(string(tc.got), func(r rune) bool { return r > '~' }) {
				t.Errorf("%s is not all ASCII", tc.got)
			}
		})
	}

	escaped := string(TextDelivery(testNumber, "1", "é", "wamid.1", "a/b", at))
	if !strings.Contains(escaped, `"\u00e9"`) || !strings.Contains(escaped, `a\/b`) {
		t.Errorf("%s is not escaped like Meta's JSON", escaped)
	}

	if got := StatusDelivery(testNumber, "wamid.1", "failed", "1", "", at); !strings.Contains(string(got), "131000") {
		t.Errorf("%s has no error", got)
	}
}

func TestWamid(t *testing.T) {
	got := Wamid("a")
	if again, other := Wamid("a"), Wamid("b"); got != again || got == other {
		t.Errorf("wamids of a are %s and %s, that of b is %s", got, again, other)
	}
	// The length is that of Meta's own for a number of 11 digits.
	if want := "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="; len(got) != len(want) || got[:len("wamid.HBgLM")] != want[:len("wamid.HBgLM")] {
		t.Errorf("Wamid = %s, want the form of %s", got, want)
	}
}

// newInbox returns a webhook that verifies signatures and records bodies as its effects.
func newInbox() *countingHandler {
	s := &countingHandler{
		Front:   NewFront(NewRecorder(100), 1<<20),
		effects: newLog(100, func(string) int { return 0 }),
	}
	s.Handler = s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("X-Hub-Signature-256") != Sign("s", body) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}

		s.effects.add(string(body))

		_, _ = io.WriteString(w, "accepted")
	}))

	return s
}

func TestDeliver(t *testing.T) {
	hook := newInbox()

	url, client := start(t, hook)
	for secret, want := range map[string]int{"s": 200, "other": 401} {
		status, _, err := Deliver(t.Context(), client, url, secret, []byte(`{}`))
		if err != nil || status != want {
			t.Errorf("signed with %q: %d, %v, want %d", secret, status, err, want)
		}
	}

	hook.Faults.Add(Fault{Cut: CutMidBody})

	if status, _, err := Deliver(t.Context(), client, url, "s", []byte(`{}`)); err == nil || status != 200 {
		t.Errorf("cut answer: %d, %v, want 200 and an error", status, err)
	}

	if _, _, err := Handshake(t.Context(), client, "http://\x00", "v", "1"); err == nil {
		t.Error("no error for an invalid URL")
	}
}

func TestStatusPosterDeliversInOrder(t *testing.T) {
	hook := newInbox()
	url, client := start(t, hook)
	poster := NewStatusPoster(client, url, "s", "sent", "delivered")
	graph := NewGraph(GraphOptions{StatusSink: poster.Sink})
	graphURL, graphClient := start(t, graph)

	ctx, cancel := context.WithCancel(t.Context())

	var running sync.WaitGroup

	running.Go(func() { poster.Run(ctx) })
	defer running.Wait()
	defer cancel()

	hook.Faults.Add(Fault{Status: 503, Times: 1})

	for range 2 {
		do(t, graphClient, request(t, http.MethodPost, graphURL+"/v26.0/"+testNumber+"/messages",
			message(`"text":{"body":"hi"},"biz_opaque_callback_data":"e1"`), "Authorization", "Bearer t"))
	}

	if err := hook.effects.WaitTotal(t.Context(), 3); err != nil {
		t.Fatal(err)
	}

	bodies := hook.effects.All()
	for i, want := range []string{"delivered", "sent", "delivered"} {
		for _, part := range []string{want, "e1", "573001234567"} {
			if !strings.Contains(bodies[i], `"`+part+`"`) {
				t.Errorf("status %d is %s, want %s", i, bodies[i], want)
			}
		}
	}

	cancel()
	running.Wait()

	if posted, failed, dropped := poster.Counts(); posted < 2 || failed < 1 || dropped != 0 {
		t.Errorf("posted %d, failed %d, dropped %d", posted, failed, dropped)
	}

	for range maxPendingStatuses + 1 {
		poster.Sink(SentMessage{})
	}

	if _, _, dropped := poster.Counts(); dropped != 1 {
		t.Errorf("dropped %d, want 1", dropped)
	}
}
