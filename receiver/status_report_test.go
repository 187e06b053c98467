// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// passUntil advances the clock in steps, each while nothing is processed, until a condition holds.
func (h *harness) passUntil(what string, step time.Duration, condition func() bool) {
	h.t.Helper()

	h.waitFor(what, func() bool {
		if condition() {
			return true
		}

		if !h.Local.Busy() {
			h.clock.Advance(step)
		}

		return false
	})
}

// TestReportOfAStatusIsOneRequest lets Bird fail at the status of a payment, or refuse it until it is replayed. All attempts have
// one Idempotency-Key and ask the same, so that Bird recognizes a status that it has handled. A replay is a new request.
func TestReportOfAStatusIsOneRequest(t *testing.T) {
	const (
		failure = http.StatusInternalServerError
		refusal = http.StatusUnprocessableEntity
	)

	for name, tc := range map[string]struct {
		answers  []int
		replayed func(first store.ID) store.ID
		want     []string // attempts, with what their key has in addition to that of the first
	}{
		"not replayed": {
			answers: []int{failure, failure, failure, http.StatusOK},
			want:    []string{"1", "2", "3", "4"},
		},
		"replayed before it fails": {
			answers:  []int{refusal, failure, failure, failure, http.StatusOK},
			replayed: func(first store.ID) store.ID { return first },
			want:     []string{"1", "1 :r1", "2 :r1", "3 :r1", "4 :r1"},
		},
		"replayed after it failed": {
			answers: []int{failure, failure, refusal, failure, http.StatusOK},
			replayed: func(first store.ID) store.ID {
				return store.NewID(store.KindStatusReport, first.String(), "0")
			},
			want: []string{"1", "2", "3", "1 :r1", "2 :r1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var asked atomic.Int32

			h := newHarness(t, byDefault)
			h.reply = func(string, map[string]any) any {
				return standin.Answer{Status: tc.answers[asked.Add(1)-1], Body: map[string]any{}}
			}
			h.start()
			h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(`"statuses":[{"id":"wamid.order","recipient_id":%q,"type":"payment",
				"status":"captured","timestamp":"1790000020","payment":{"reference_id":"inv-1"}}]`, ana)))

			if tc.replayed != nil {
				h.passUntil("the refusal", time.Second, func() bool { return h.stats().PendingStatuses == 0 })

				first, err := store.ParseID(fmt.Sprint(h.reported()[0].Payload["event_id"]))
				if err != nil {
					t.Fatal(err)
				}

				h.console(http.StatusOK, http.MethodPost, "/dead-letters/"+tc.replayed(first).String()+"/replay", nil)
			}

			h.passUntil("the last attempt", time.Second, func() bool { return len(h.reported()) == len(tc.want) })

			var got []string

			calls := h.reported()
			for _, call := range calls {
				further := strings.TrimPrefix(call.IdempotencyKey, calls[0].IdempotencyKey)
				got = append(got, strings.TrimSpace(fmt.Sprint(call.Attempt, " ", further)))

				maps.DeleteFunc(call.Payload, func(property string, _ any) bool { return property == "age_seconds" })

				if diff := cmp.Diff(calls[0].Payload, call.Payload); diff != "" {
					t.Errorf("attempt %d asks something else (-first +this):\n%s", call.Attempt, diff)
				}
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("attempts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOneStatusThatFailsIsNoOutage lets Bird fail at one status more often than opens a circuit breaker. Others still reach it.
func TestOneStatusThatFailsIsNoOutage(t *testing.T) {
	h := newHarness(t, byDefault)
	h.reply = func(_ string, request map[string]any) any {
		if request["message_id"] == "wamid.unknown" {
			return standin.Answer{Status: http.StatusInternalServerError, Body: map[string]any{}}
		}

		return map[string]any{}
	}
	h.start()

	report := func(message string) {
		h.deliver(http.StatusOK, standin.StatusDelivery(number, message, "delivered", ana, "", time.Now()))
	}

	report("wamid.unknown")

	const attempts = 15 // 10 failures of several statuses open it

	h.passUntil("the attempts", 5*time.Second, func() bool { return len(h.reported()) >= attempts })

	if problems := h.status().Problems; len(problems) > 0 {
		t.Errorf("problems = %v, want none", problems)
	}

	report("wamid.known")
	h.waitFor("the report of the known message", func() bool {
		calls := h.reported()
		return calls[len(calls)-1].Payload["message_id"] == "wamid.known"
	})
}
