// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestResendIsPlannedOnce repeats the attempt at a failed status, as after a crash. The plan of the first is found.
func TestResendIsPlannedOnce(t *testing.T) {
	f := newFixture(t, standin.EchoReply)
	e := New(f.parts)
	id := f.ingest(t, "573001234567", "wamid.1")

	claim := func(class store.Class) store.Lease {
		t.Helper()

		leases, err := f.parts.Store.Claim(t.Context(), class, time.Now(), time.Now().Add(time.Hour), 1)
		if err != nil || len(leases) != 1 {
			t.Fatalf("claimed %v, %v, want one lane", leases, err)
		}

		return leases[0]
	}

	answered := store.Step{
		Now:     time.Now(),
		Answer:  []store.Reply{{Type: "text", Body: []byte("{}")}},
		Sent:    &store.SentRef{MessageID: "wamid.out"},
		Outcome: &store.Outcome{State: store.Done},
	}
	if _, err := f.parts.Store.Advance(t.Context(), claim(store.Conversations).LeaseRef, id, answered); err != nil {
		t.Fatal(err)
	}

	delivery := standin.FailedDelivery("42", "wamid.out", "573001234567", whatsapp.Callback(id.String(), 0, 0), 131000, time.Now())

	events, err := intake.Events(t.Context(), delivery, config.Config{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}

	if _, err := f.parts.Store.Ingest(t.Context(), events); err != nil {
		t.Fatal(err)
	}

	lease := claim(store.Statuses)

	for range 2 {
		h := head{lease: lease.LeaseRef, work: &lease.Work, settings: e.Live.Current()}

		a := &statusAttempt{inbound: inbound{head: h}}
		if err := a.decode(); err != nil {
			t.Fatal(err)
		}

		if a.status, err = whatsapp.ParseStatus(a.item.Raw); err != nil {
			t.Fatal(err)
		}

		if resent, err := e.resend(t.Context(), a, &failure.Error{Class: failure.Transient}); !resent || err != nil {
			t.Errorf("resend() = %t, %v, want that the message is sent again", resent, err)
		}
	}

	record, err := f.parts.Store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}

	if reply := record.Replies[0]; reply.State != store.Planned || reply.Resends != 1 {
		t.Errorf("the message is %s after %d resends, want it planned again once", reply.State, reply.Resends)
	}
}
