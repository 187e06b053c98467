// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// claim leases the lane of a class that has work.
func (f *fixture) claim(t *testing.T, class store.Class) store.Lease {
	t.Helper()

	leases, err := f.parts.Store.Claim(t.Context(), class, time.Now(), time.Now().Add(time.Hour), 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("claimed %v, %v, want one lane", leases, err)
	}

	return leases[0]
}

// answered stores a message whose answer was sent in so many parts, as wamid.out0 and so on.
func (f *fixture) answered(t *testing.T, parts int) store.ID {
	t.Helper()

	id := f.ingest(t, "573001234567", "wamid.1")
	lease := f.claim(t, store.Conversations)

	step := store.Step{Now: time.Now()}
	for part := range parts {
		step.Answer = append(step.Answer, store.Reply{Part: part, Type: "text", Body: []byte("{}")})
	}

	for part := range parts {
		step.Sent = &store.SentRef{Part: part, MessageID: fmt.Sprint("wamid.out", part)}
		if part == parts-1 {
			step.Outcome = &store.Outcome{State: store.Done}
		}

		if _, err := f.parts.Store.Advance(t.Context(), lease.LeaseRef, id, step); err != nil {
			t.Fatal(err)
		}
	}

	return id
}

// failedStatus stores that a part of the answer to an event failed, and returns the lease on that status.
func (f *fixture) failedStatus(t *testing.T, id store.ID, part int, recipient string) store.Lease {
	t.Helper()

	callback := whatsapp.Callback(id.String(), part, 0)
	delivery := standin.FailedDelivery("42", fmt.Sprint("wamid.out", part), recipient, callback, 131000, time.Now())

	events, err := intake.Events(t.Context(), delivery, config.Config{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}

	if _, err := f.parts.Store.Ingest(t.Context(), events); err != nil {
		t.Fatal(err)
	}

	return f.claim(t, store.Statuses)
}

// attempt returns an attempt at a failed status.
func (e *Engine) attempt(t *testing.T, lease store.Lease) *statusAttempt {
	t.Helper()

	a := &statusAttempt{inbound: inbound{head: head{
		lease:    lease.LeaseRef,
		work:     &lease.Work,
		settings: e.Live.Current(),
	}}}

	err := a.decode()
	if err != nil {
		t.Fatal(err)
	}

	if a.status, err = whatsapp.ParseStatus(a.item.Raw); err != nil {
		t.Fatal(err)
	}

	return a
}

// TestResendIsPlannedOnce repeats the attempt at a failed status, as after a crash. The plan of the first is found.
func TestResendIsPlannedOnce(t *testing.T) {
	f := newFixture(t, standin.EchoReply)
	e := New(f.parts)
	id := f.answered(t, 1)
	lease := f.failedStatus(t, id, 0, "573001234567")

	for range 2 {
		if resent, err := e.resend(t.Context(), e.attempt(t, lease), &failure.Error{Class: failure.Transient}); !resent || err != nil {
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

// TestResendWaitsForAnother processes the failed statuses of two parts at the same time: Meta names the person otherwise in
// the second, so that they are in two lanes. The second part waits until the first is sent again.
func TestResendWaitsForAnother(t *testing.T) {
	f := newFixture(t, standin.EchoReply)
	e := New(f.parts)
	id := f.answered(t, 2)
	first := e.attempt(t, f.failedStatus(t, id, 0, "573001234567"))
	second := e.attempt(t, f.failedStatus(t, id, 1, "57001234567"))

	for _, a := range []*statusAttempt{first, second} {
		if of, err := e.findFailed(t.Context(), a); err != nil || of.record.Event.State != store.Done {
			t.Fatalf("findFailed() = %+v, %v, want an event that is done", of, err)
		}
	}

	transient := &failure.Error{Class: failure.Transient}
	if resent, err := e.resend(t.Context(), first, transient); !resent || err != nil {
		t.Errorf("resend() = %t, %v, want that the first part is sent again", resent, err)
	}

	resent, err := e.resend(t.Context(), second, transient)
	if _, waits := errors.AsType[*postponed](err); resent || !waits {
		t.Errorf("resend() = %t, %v, want that the second part waits", resent, err)
	}
}
