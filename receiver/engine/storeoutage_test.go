// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// failingReads is a store of which some reads fail, as during an outage of its database.
type failingReads struct {
	store.Store

	fails atomic.Int32 // the next reads
}

func (f *failingReads) Peek(ctx context.Context, l store.LeaseRef, limit int) ([]store.Event, error) {
	if f.fails.Add(-1) >= 0 {
		return nil, errors.New("no connection")
	}

	return f.Store.Peek(ctx, l, limit)
}

// TestUnreadableStoreSpendsNoAttempt answers a message that met an outage of the store more often than it may fail.
func TestUnreadableStoreSpendsNoAttempt(t *testing.T) {
	f := newFixture(t, standin.EchoReply)

	c := f.parts.Live.Current().Config
	c.Processing.Retry = config.Retry{
		MaxRetries: new(1),
		BaseDelay:  time.Millisecond,
		MaxDelay:   2 * time.Millisecond,
	}
	f.parts.Live = config.Fixed(c, config.Secrets{AccessToken: "token", BirdAccessKey: "key"})

	inbox := &failingReads{Store: f.parts.Store}
	inbox.fails.Store(5)

	f.parts.Store = inbox
	f.start(t)

	id := f.ingest(t, "573001234567", "wamid.1")
	f.waitFor(t, "the end of the message", func() bool {
		record, err := inbox.Get(t.Context(), id)

		return err == nil && record.Event.State != store.Pending
	})

	record, err := inbox.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}

	if record.Event.State != store.Done || record.Attempts != 0 || len(record.Failures) != 0 {
		t.Errorf("the message is %s after %d attempts with the failures %+v, want it answered by the first", record.Event.State,
			record.Attempts, record.Failures)
	}
}

// unscheduled is a store whose schedule cannot be read.
type unscheduled struct{ store.Store }

func (unscheduled) Schedule(context.Context, time.Time) ([3]store.Schedule, []store.Pause, error) {
	return [3]store.Schedule{}, nil, errors.New("no connection")
}

// TestStatusesAreAwaitedAfterAnOutage checks that the status of an unconfirmed send is awaited from the end of an outage of the
// store on: Meta's deliveries were refused before.
func TestStatusesAreAwaitedAfterAnOutage(t *testing.T) {
	clock := clockwork.NewFakeClockAt(now)
	e := New(Dependencies{
		Store: unscheduled{},
		Clock: clock,
		Live:  config.Fixed(testConfig(), config.Secrets{}),
		Log:   slog.New(slog.DiscardHandler),
	})

	clock.Advance(time.Minute)

	reply := &store.Reply{StartedAt: clock.Now()}
	if got := e.statusPossibleSince(reply); !got.Equal(reply.StartedAt) {
		t.Errorf("a status is awaited from %s on, want from the send on", got)
	}

	clock.Advance(time.Hour)
	e.readSchedule(t.Context())
	clock.Advance(time.Second)

	if got, want := e.statusPossibleSince(reply), now.Add(61*time.Minute); !got.Equal(want) {
		t.Errorf("a status is awaited from %s on, want from the end of the outage at %s on", got, want)
	}
}

// unreadableHistory is a store with an event, in which the conversation of the event cannot be read.
type unreadableHistory struct{ store.Store }

func (unreadableHistory) Get(context.Context, store.ID) (*store.Record, error) {
	return &store.Record{}, nil
}

func (unreadableHistory) History(context.Context, string, int64, time.Time, int) ([]store.Record, error) {
	return nil, errors.New("no connection")
}

// TestHandoffWithoutAReadableHistory checks that a handoff which cannot be sent with its history is not a failure of the desk.
func TestHandoffWithoutAReadableHistory(t *testing.T) {
	e := New(Dependencies{
		Store: unreadableHistory{},
		Clock: clockwork.NewFakeClockAt(now),
		Live:  config.Fixed(testConfig(), config.Secrets{}),
		Log:   slog.New(slog.DiscardHandler),
	})

	if _, err := e.deskHistory(t.Context(), "lane", store.ID{1}.String()); !isUnread(err) {
		t.Errorf("deskHistory returned %v, want that the store cannot be read", err)
	}
}

// TestHandoffBesideDamage checks that people learn of a handoff whose history lies on a page that cannot be read, once that may be
// no outage of the store any more.
func TestHandoffBesideDamage(t *testing.T) {
	got := make(chan handoff.Message, 1)
	desk := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m handoff.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}

		got <- m
	}))
	t.Cleanup(desk.Close)

	c := testConfig()
	c.Handoff.URL = desk.URL
	live := config.Fixed(c, config.Secrets{HandoffKey: "key"})
	clock := clockwork.NewFakeClockAt(now)
	client := handoff.NewClient(live, 1, clock)
	t.Cleanup(client.Close)

	e := New(Dependencies{
		Store: unreadableHistory{},
		Desk:  client,
		Clock: clock,
		Live:  live,
		Log:   slog.New(slog.DiscardHandler),
	})

	m := handoff.Message{Method: handoff.HandedOff}
	m.EventID = store.ID{1}.String()
	m.ReceivedAt = now

	event, err := m.Event("lane", "1", now)
	if err != nil {
		t.Fatal(err)
	}

	h := head{work: &store.Work{Event: event}, settings: live.Current()}

	if err := e.callDesk(t.Context(), h); !isUnread(err) {
		t.Fatalf("the call returned %v, want that it waits for the store", err)
	}

	clock.Advance(loneFailureAge - time.Second)
	e.outage.record(clock.Now(), errors.New("no connection"))
	clock.Advance(loneFailureAge - time.Second)

	if err := e.callDesk(t.Context(), h); !isUnread(err) {
		t.Fatalf("the call after an outage returned %v, want that it waits for the store", err)
	}

	clock.Advance(time.Second)

	if err := e.callDesk(t.Context(), h); err != nil {
		t.Fatalf("the call beside damage returned %v, want that the desk learns of the handoff", err)
	}

	if m := <-got; m.Method != handoff.HandedOff || len(m.History) != 0 {
		t.Errorf("the desk got %+v, want the handoff without its history", m)
	}
}

// unrepairable is a store in which a damaged page fails the repair of times. Reading its schedule ends the test.
type unrepairable struct {
	store.Store

	end context.CancelFunc
}

func (unrepairable) RepairClock(context.Context, time.Time) error {
	return errors.New("a page cannot be read")
}

func (u unrepairable) Schedule(ctx context.Context, _ time.Time) ([3]store.Schedule, []store.Pause, error) {
	u.end()

	return [3]store.Schedule{}, nil, ctx.Err()
}

// damaged is a store with a page that cannot be read, which the schedule and deliveries need.
type damaged struct{ store.Store }

func (damaged) Schedule(context.Context, time.Time) ([3]store.Schedule, []store.Pause, error) {
	return [3]store.Schedule{}, nil, fmt.Errorf("read when lanes are due: %w", store.ErrDamaged)
}

func (damaged) IngestAndClaim(context.Context, []store.Event, store.Offer) (store.Arrival, error) {
	return store.Arrival{}, fmt.Errorf("store events: %w", store.ErrDamaged)
}

// TestDamageOfDeliveriesIsNoOutage checks that deliveries and polls that meet damage do not postpone what awaits a status.
func TestDamageOfDeliveriesIsNoOutage(t *testing.T) {
	e := New(Dependencies{
		Store: damaged{},
		Clock: clockwork.NewFakeClockAt(now),
		Live:  config.Fixed(testConfig(), config.Secrets{}),
		Log:   slog.New(slog.DiscardHandler),
	})

	e.readSchedule(t.Context())

	if _, err := e.Ingest(t.Context(), []store.Event{{}}); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("Ingest returned %v, want ErrDamaged", err)
	}

	if at := e.outage.last(); !at.IsZero() {
		t.Errorf("an outage is recorded at %s, want none", at)
	}
}

// TestDamageIsNoOutage checks that a repair which fails for good does not postpone what awaits a status or a later answer.
func TestDamageIsNoOutage(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e := New(Dependencies{
		Store: unrepairable{end: cancel},
		Clock: clockwork.NewFakeClockAt(now),
		Live:  config.Fixed(testConfig(), config.Secrets{}),
		Log:   slog.New(slog.DiscardHandler),
	})

	e.followSchedule(ctx)

	if at := e.outage.last(); !at.IsZero() {
		t.Errorf("an outage is recorded at %s, want none", at)
	}
}
