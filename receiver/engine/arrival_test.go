// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// watchedClaims is a store that counts claims and peeks, and runs a function after it has stored events.
type watchedClaims struct {
	store.Store

	claims, peeks atomic.Int64
	stored        func()
}

func (w *watchedClaims) Peek(ctx context.Context, lease store.LeaseRef, limit int) ([]store.Event, error) {
	w.peeks.Add(1)

	return w.Store.Peek(ctx, lease, limit)
}

func (w *watchedClaims) Claim(
	ctx context.Context, class store.Class, now, until time.Time, limit int,
) ([]store.Lease, error) {
	defer w.claims.Add(1)

	return w.Store.Claim(ctx, class, now, until, limit)
}

func (w *watchedClaims) IngestAndClaim(ctx context.Context, events []store.Event, offer store.Offer) (store.Arrival, error) {
	arrival, err := w.Store.IngestAndClaim(ctx, events, offer)
	if w.stored != nil {
		w.stored()
	}

	return arrival, err
}

// watchClaims makes the engine of a fixture find work by arrivals only, with a capacity for conversations.
func watchClaims(f *fixture, capacity int) *watchedClaims {
	settings := *f.parts.Live.Current()
	settings.Processing.Poll = time.Hour
	settings.Processing.Concurrency = capacity
	f.parts.Live = config.Fixed(settings.Config, settings.Secrets)

	watched := &watchedClaims{Store: f.parts.Store}
	f.parts.Store = watched

	return watched
}

// arrive stores a text message, received at a time, through the engine.
func (f *fixture) arrive(t *testing.T, from, messageID string, at time.Time) store.ID {
	t.Helper()

	delivery := standin.TextDelivery("42", from, "Ana", messageID, messageID, at)

	events, err := intake.Events(t.Context(), delivery, config.Config{}, at)
	if err != nil {
		t.Fatal(err)
	}

	if fresh, err := f.engine.Ingest(t.Context(), events); err != nil || !fresh[0] {
		t.Fatalf("Ingest() = %v, %v", fresh, err)
	}

	return events[0].ID
}

func TestArrivalIsProcessedWithoutAClaim(t *testing.T) {
	f := newFixture(t, nil)
	watched := watchClaims(f, 4)
	f.start(t)
	f.waitFor(t, "the claims at the start", func() bool { return watched.claims.Load() >= 3 && !f.engine.Busy() })

	before := watched.claims.Load()

	id := f.arrive(t, "573001234567", "wamid.1", time.Now())

	f.waitFor(t, "the answer", func() bool {
		record, err := f.parts.Store.Get(t.Context(), id)
		return err == nil && record.Event.State == store.Done
	})
	f.waitFor(t, "the end of the lane", func() bool { return !f.engine.Busy() })

	if n := watched.claims.Load() - before; n != 0 {
		t.Errorf("%d claims for a message that was leased when it was stored, want none", n)
	}

	if n := watched.peeks.Load(); n != 0 {
		t.Errorf("%d reads of what follows a message that arrived alone, want none", n)
	}
}

// Messages beyond the capacity are processed in the order of their arrival.
func TestArrivalsTakeTurns(t *testing.T) {
	answer := make(chan struct{})

	var (
		mu    sync.Mutex
		asked []string
	)

	f := newFixture(t, func(_ string, request map[string]any) any {
		<-answer

		mu.Lock()
		defer mu.Unlock()

		asked = append(asked, fmt.Sprint(request["text"]))

		return nil
	})
	watched := watchClaims(f, 1)
	f.start(t)
	f.waitFor(t, "the claims at the start", func() bool { return watched.claims.Load() >= 3 && !f.engine.Busy() })

	var want []string

	began := time.Now().Add(-time.Second)

	for i := range 5 {
		id := standin.Wamid(fmt.Sprint(i))
		f.arrive(t, fmt.Sprint("57300123456", i), id, began.Add(time.Duration(i)*time.Millisecond))
		want = append(want, id)
	}

	close(answer)
	f.waitFor(t, "all answers", func() bool { return len(f.bird.Asked()) == len(want) && !f.engine.Busy() })

	mu.Lock()
	defer mu.Unlock()

	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// A message that is stored while the engine ends stays due, and counts no start.
func TestArrivalDuringTheEnd(t *testing.T) {
	f := newFixture(t, nil)
	watched := watchClaims(f, 1)
	f.engine = New(f.parts)

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})

	go func() { defer close(ended); f.engine.Run(ctx, func() time.Duration { return safetyTimeout }) }()

	f.waitFor(t, "the claims at the start", func() bool { return watched.claims.Load() >= 3 && !f.engine.Busy() })

	watched.stored = func() {
		stop()
		f.waitFor(t, "the engine to end", f.engine.pools[0].isStopping)
	}

	f.arrive(t, "573001234567", "wamid.1", time.Now())
	<-ended

	later := time.Now().Add(time.Second)

	leases, err := watched.Store.Claim(t.Context(), store.Conversations, later, later.Add(time.Minute), 1)
	if err != nil || len(leases) != 1 || leases[0].Work.Starts != 1 {
		t.Errorf("Claim() = %v, %v, want the message with its first start", leases, err)
	}

	if asked := f.bird.Asked(); len(asked) != 0 {
		t.Errorf("the AI was asked %d times while the engine ended, want never", len(asked))
	}
}
