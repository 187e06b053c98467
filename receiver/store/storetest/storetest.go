// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package storetest is the suite that every engine of the store must pass: tests of each guarantee of package store,
// and a comparison with a model of the inbox under random operations.
package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Factory opens the engine under test.
type Factory struct {
	// Open opens the store of a place, which is empty the first time. The store is closed before its place is opened
	// again. The place is an empty folder with a unique name; the test removes its contents at the end.
	Open func(place string) (store.Store, error)
	// Exclusive reports whether opening the store ends all leases, since no other process can have one.
	Exclusive bool
	// Encrypts reports whether the store encrypts payloads itself, so that it knows what they hold.
	Encrypts bool
	// Move moves the closed store of a place, whose leases have expired, to another engine, which Open opens from then on. It
	// returns whether that one is exclusive. It is nil where nothing is moved.
	Move func(place string, now time.Time) (exclusive bool, err error)
}

// Run runs the suite.
func Run(t *testing.T, factory Factory) {
	groups := []struct {
		name  string
		tests map[string]func(*fixture)
	}{
		{"Ingest", ingestTests},
		{"Lease", leaseTests},
		{"Arrival", arrivalTests},
		{"LeasedArrival", leasedArrivalTests},
		{"Class", classTests},
		{"Waiting", waitingTests},
		{"Advance", advanceTests},
		{"Coalesce", coalesceTests},
		{"Outbox", outboxTests},
		{"Outbound", outboundTests},
		{"Resend", resendTests},
		{"Replace", replaceTests},
		{"Conversation", conversationTests},
		{"Names", namesTests},
		{"Takeover", takeoverTests},
		{"Transcript", transcriptTests},
		{"Status", statusTests},
		{"DeadLetter", deadLetterTests},
		{"Restored", restoredTests},
		{"Selection", selectionTests},
		{"List", listTests},
		{"Search", searchTests},
		{"EventDetail", eventDetailTests},
		{"Recent", recentTests},
		{"History", historyTests},
		{"Erase", eraseTests},
		{"Pause", pauseTests},
		{"Leadership", leadershipTests},
		{"Figures", figuresTests},
	}

	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) {
					s, err := factory.Open(t.TempDir())
					if err != nil {
						t.Fatal(err)
					}

					t.Cleanup(func() {
						if err := s.Close(); err != nil {
							t.Errorf("Close: %v", err)
						}
					})
					test(&fixture{
						T:        t,
						Store:    s,
						encrypts: factory.Encrypts,
					})
				})
			}
		})
	}

	t.Run("Model", func(t *testing.T) { runModel(t, factory) })
}

// RunModel runs only the comparison with the model.
func RunModel(t *testing.T, factory Factory) { runModel(t, factory) }

// fixture is a store in a test. Its methods end the test if the store returns an error.
type fixture struct {
	*testing.T
	store.Store
	probes   int  // events stored to read the state of a conversation
	encrypts bool // see Factory
}

// at returns a time on the day of the tests.
func at(sinceNoon time.Duration) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(sinceNoon)
}

// leaseTime is the duration of leases in tests.
const leaseTime = time.Minute

// text returns a text message in a conversation, received at noon.
func text(name, lane string) store.Event {
	return store.Event{
		ID:            store.NewID(store.KindMessage, name),
		Kind:          store.KindMessage,
		Type:          "text",
		State:         store.Pending,
		Class:         store.Conversations,
		Lane:          lane,
		PhoneNumberID: "1065",
		Payload:       fmt.Appendf(nil, `{"id":%q}`, name),
		ReceivedAt:    at(0),
	}
}

// received returns an event with another time of receipt.
func received(e store.Event, when time.Time) store.Event {
	e.ReceivedAt = when
	return e
}

// sent returns an event that the person sent at a time.
func sent(e store.Event, when time.Time) store.Event {
	e.SentAt = when
	return e
}

// finished returns an event as stored if it is finished when it arrives.
func finished(e store.Event, state store.State) store.Event {
	e.State = state
	e.Class = store.NoClass
	e.Lane = ""

	return e
}

func (f *fixture) ingest(events ...store.Event) []bool {
	f.Helper()

	fresh, err := f.Ingest(f.Context(), events)
	if err != nil {
		f.Fatalf("Ingest: %v", err)
	}

	return fresh
}

// claim claims conversations.
func (f *fixture) claim(now time.Time, limit int) []store.Lease {
	f.Helper()
	return f.claimClass(store.Conversations, now, limit)
}

func (f *fixture) claimClass(class store.Class, now time.Time, limit int) []store.Lease {
	f.Helper()

	leases, err := f.Claim(f.Context(), class, now, now.Add(leaseTime), limit)
	if err != nil {
		f.Fatalf("Claim: %v", err)
	}

	return leases
}

// claimOne claims the only due conversation.
func (f *fixture) claimOne(now time.Time) store.Lease {
	f.Helper()
	return f.only(f.claim(now, 10))
}

// claimOneOf claims the only due lane of a class.
func (f *fixture) claimOneOf(class store.Class, now time.Time) store.Lease {
	f.Helper()
	return f.only(f.claimClass(class, now, 10))
}

func (f *fixture) only(leases []store.Lease) store.Lease {
	f.Helper()

	if len(leases) != 1 {
		f.Fatalf("claimed %d lanes, want 1", len(leases))
	}

	return leases[0]
}

func (f *fixture) advance(lease store.Lease, step store.Step) *store.Work {
	f.Helper()

	next, err := f.Advance(f.Context(), lease.LeaseRef, lease.Work.Event.ID, step)
	if err != nil {
		f.Fatalf("Advance: %v", err)
	}

	return next
}

func (f *fixture) get(id store.ID) *store.Record {
	f.Helper()

	record, err := f.Get(f.Context(), id)
	if err != nil {
		f.Fatalf("Get: %v", err)
	}

	return record
}

// stats returns the statistics without LastMessageAt, which has its own test.
func (f *fixture) stats(now time.Time) store.Stats {
	f.Helper()

	stats, err := f.Stats(f.Context(), now)
	if err != nil {
		f.Fatalf("Stats: %v", err)
	}

	stats.LastMessageAt = time.Time{}

	return stats
}

func (f *fixture) wantErr(what string, err, want error) {
	f.Helper()

	if !errors.Is(err, want) {
		f.Errorf("%s returned %v, want %v", what, err, want)
	}
}

func (f *fixture) wantEqual(what string, got, want any) {
	f.Helper()

	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		f.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// end returns a step that ends an event.
func end(state store.State, now time.Time) store.Step {
	return store.Step{Now: now, Outcome: &store.Outcome{State: state}}
}

// postpone returns a step that postpones an event.
func postpone(now, retryAt time.Time, spent bool) store.Step {
	return store.Step{Now: now, Outcome: &store.Outcome{
		State:   store.Pending,
		RetryAt: retryAt,
		Failure: &store.Failure{
			At:    now,
			Class: "transient",
			Code:  "http_503",
			Text:  "no answer",
			Spent: spent,
		},
	}}
}

// names returns the names from which the events of leases were created.
func names(leases []store.Lease, among ...string) []string {
	var found []string
	for _, lease := range leases {
		for _, name := range among {
			if lease.Work.Event.ID == store.NewID(store.KindMessage, name) {
				found = append(found, name)
			}
		}
	}

	return found
}
