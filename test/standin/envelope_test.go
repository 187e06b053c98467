// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
		"billable":      true,
		"pricing_model": "PMP",
		"type":          "regular",
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
		{
			name: "failed for a whole group",
			got:  SentMessage{PhoneNumberID: testNumber, ID: "wamid.1", To: "bWFkZQ", Group: true, Failure: 131000}.Statuses(nil, at)[0].Delivery(),
			want: map[string]any{
				"statuses": []any{map[string]any{
					"id":             "wamid.1",
					"status":         "failed",
					"timestamp":      "1749416383",
					"recipient_id":   "bWFkZQ",
					"recipient_type": "group",
					"errors": []any{map[string]any{
						"code":       131000.0,
						"title":      "Something went wrong",
						"message":    "Something went wrong",
						"error_data": map[string]any{"details": "Something went wrong"},
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

func TestPersonMessageQuotesAndForwards(t *testing.T) {
	at := time.Unix(1795430400, 0)
	delivery := PersonMessage{
		PhoneNumberID: "42",
		WaID:          "573005550101",
		Name:          "Ana",
		ID:            "wamid.1",
		Type:          "unsupported",
		Object:        map[string]string{"type": "poll_creation"},
		ReplyTo:       "wamid.0",
		Forwarded:     true,
		Code:          131051,
		Details:       "Message type is currently not supported.",
		At:            at,
	}.Delivery()

	var got struct {
		Entry []struct {
			Changes []struct {
				Value struct{ Messages []map[string]any }
			}
		}
	}
	if err := json.Unmarshal(delivery, &got); err != nil {
		t.Fatal(err)
	}

	want := map[string]any{
		"id":          "wamid.1",
		"from":        "573005550101",
		"timestamp":   "1795430400",
		"type":        "unsupported",
		"unsupported": map[string]any{"type": "poll_creation"},
		"context": map[string]any{
			"id":        "wamid.0",
			"from":      DeliveryDisplayPhoneNumber,
			"forwarded": true,
		},
		"errors": []any{map[string]any{
			"code":       131051.0,
			"title":      "Message type unknown",
			"message":    "Message type unknown",
			"error_data": map[string]any{"details": "Message type is currently not supported."},
		}},
	}
	if diff := cmp.Diff(want, got.Entry[0].Changes[0].Value.Messages[0]); diff != "" {
		t.Error(diff)
	}
}
