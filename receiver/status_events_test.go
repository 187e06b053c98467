// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// reported returns the statuses that Bird got, in any order.
func (h *harness) reported() []standin.BirdCall {
	var calls []standin.BirdCall
	for _, call := range h.Bird.Asked() {
		if call.Method == "notify_bird_status_change" {
			calls = append(calls, call)
		}
	}

	return calls
}

// TestPaymentsAreEvents delivers the statuses of one payment, each twice: an attempt that fails, a second attempt, its
// capture and a refund. Bird gets each once.
func TestPaymentsAreEvents(t *testing.T) {
	const (
		first    = `"transaction":{"id":"try-1","status":"failed","created_timestamp":1790000010,"error":{"code":"declined"}}`
		second   = `"transaction":{"id":"try-2","status":"%s","created_timestamp":1790000060}`
		refunded = `,"refunds":[{"id":"refund-1","amount":{"value":4990,"offset":100},"status":"success"}]`
	)

	h := newHarness(t, withoutTyping)
	h.start()

	steps := []struct{ status, payment string }{
		{"pending", first},
		{"pending", fmt.Sprintf(second, "pending")},
		{"captured", fmt.Sprintf(second, "success")},
		{"captured", fmt.Sprintf(second, "success") + refunded},
	}
	for range 2 {
		for _, step := range steps {
			h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(`"statuses":[{"id":"wamid.order","recipient_id":%q,"type":"payment",
				"status":%q,"timestamp":"1790000020","payment":{"reference_id":"inv-1","amount":{"value":4990,"offset":100},"currency":"INR",%s}}]`,
				ana, step.status, step.payment)))
		}
	}

	h.waitIdle()

	var got []string

	keys := map[string]bool{}

	for _, call := range h.reported() {
		payment, _ := call.Payload["payment"].(map[string]any)
		transaction, _ := payment["transaction"].(map[string]any)
		refunds, _ := payment["refunds"].([]any)
		keys[call.IdempotencyKey] = true

		got = append(got, fmt.Sprint(call.Payload["status"], " ", payment["reference_id"], " ", payment["currency"], " ",
			transaction["id"], " ", transaction["status"], " refunds ", len(refunds)))
	}

	want := []string{
		"captured inv-1 INR try-2 success refunds 0",
		"captured inv-1 INR try-2 success refunds 1",
		"pending inv-1 INR try-1 failed refunds 0",
		"pending inv-1 INR try-2 pending refunds 0",
	}

	slices.Sort(got)

	if diff := cmp.Diff(want, got); diff != "" || len(keys) != len(want) {
		t.Errorf("payments with %d keys (-want +got):\n%s", len(keys), diff)
	}
}

// TestGroupStatusesAreByParticipant delivers that two people read a message, in each form of Meta's. Bird gets both.
func TestGroupStatusesAreByParticipant(t *testing.T) {
	for name, form := range map[string]string{
		"participant":                   `"recipient_type":"group","recipient_id":"g","recipient_participant_id":%q`,
		"participant spelled otherwise": `"recipient_type":"group","recipient_id":"g","participant_recipient_id":%q`,
		"participant by user id":        `"recipient_type":"group","recipient_id":"g","recipient_participant_user_id":%q`,
		"group beside the recipient":    `"group_id":"g","recipient_id":%q`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withoutTyping)
			h.start()

			for range 2 {
				for _, reader := range []string{ana, luis} {
					h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(
						`"statuses":[{"id":"wamid.out","status":"read","timestamp":"1790000000",`+form+`}]`, reader)))
				}
			}

			h.waitIdle()

			var got []string
			for _, call := range h.reported() {
				got = append(got, fmt.Sprint(call.Payload["recipient_participant_id"], " ", call.Payload["conversation_key"], " ", call.Payload["group_id"]))
			}

			slices.Sort(got)

			key := " " + number + ":group:g g"
			if diff := cmp.Diff([]string{ana + key, luis + key}, got); diff != "" {
				t.Errorf("readers (-want +got):\n%s", diff)
			}

			for _, reader := range []string{ana, luis} {
				status, err := h.Local.Store().MessageStatus(t.Context(), number, "wamid.out", reader)
				if err != nil || status.Status != "read" {
					t.Errorf("status of %s = %+v, %v; want read", reader, status, err)
				}
			}
		})
	}
}

// TestStatusOfTypeMessage checks that a status of type message is a status of the message: it never moves it backwards, and
// is the same event as one without a type.
func TestStatusOfTypeMessage(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	for _, status := range []string{
		`"status":"delivered","type":"message"`,
		`"status":"sent"`,
		`"status":"delivered","type":"Message"`,
		`"status":"delivered"`,
	} {
		h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(`"statuses":[{"id":"wamid.out","recipient_id":%q,"timestamp":"1790000000",%s}]`, ana, status)))
	}

	h.waitIdle()

	stored, err := h.Local.Store().MessageStatus(t.Context(), number, "wamid.out", "")
	if err != nil || stored.Status != "delivered" {
		t.Errorf("stored status %+v, %v; want delivered", stored, err)
	}

	if n := len(h.reported()); n != 2 {
		t.Errorf("Bird got %d statuses, want each once", n)
	}
}
