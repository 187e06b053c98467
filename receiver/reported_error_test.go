// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestErrorReportedAgainLater delivers the same report three times: Meta redelivers it, and reports it again in the same
// words when it happens again.
func TestErrorReportedAgainLater(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	report := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages","value":{
		"metadata":{"phone_number_id":"` + number + `"},"errors":[{"code":131031,"title":"Account locked"}]}}]}]}`)

	reports := func() int {
		h.waitIdle()

		records, err := h.Local.Store().List(t.Context(), store.Filter{Kind: store.KindError}, 0, 10)
		if err != nil {
			t.Fatal(err)
		}

		if n := len(h.sink.notices("error.reported")); n != len(records) {
			t.Errorf("%d notices of %d errors", n, len(records))
		}

		return len(records)
	}

	// Both deliveries are within an hour by the clock, so that no hour begins in between.
	h.clock.Advance(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)))

	for _, want := range []int{1, 1} {
		h.deliver(http.StatusOK, report)

		if got := reports(); got != want {
			t.Errorf("%d errors stored, want %d", got, want)
		}
	}

	h.clock.Advance(time.Hour)
	h.deliver(http.StatusOK, report)

	if got := reports(); got != 2 {
		t.Errorf("%d errors stored an hour later, want 2", got)
	}
}
