// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package retention

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/postgres"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

const (
	day = 24 * time.Hour
	// announcement is a part of the line that announces a purge.
	announcement = "are purged soon"
)

// inbox is a store that is opened and closed again with the times of a fake clock.
type inbox struct {
	*testing.T
	clock  *clockwork.FakeClock
	days   int // that dead letters are kept
	open   func() (store.Store, error)
	opened store.Store
	purger *Purger
	logged strings.Builder
}

// start opens the store, and purges once with a Purger that has just started.
func (i *inbox) start() {
	i.Helper()

	opened, err := i.open()
	if err != nil {
		i.Fatal(err)
	}

	i.opened = opened
	i.purger = New(Dependencies{
		Store:  opened,
		Holder: "ours",
		Live:   i.live(),
		Clock:  i.clock,
		Log:    slog.New(slog.NewTextHandler(&i.logged, nil)),
	})
	i.purger.purge(i.Context())
}

// stop closes the store for a while.
func (i *inbox) stop(absence time.Duration) {
	i.Helper()

	if err := i.opened.Close(); err != nil {
		i.Fatal(err)
	}

	i.clock.Advance(absence)
	i.logged.Reset()
}

// pass lets the Purger work for a while, at intervals that are not an absence.
func (i *inbox) pass(left time.Duration) {
	for left > 0 {
		step := min(left, 6*time.Hour)
		left -= step

		i.clock.Advance(step)
		i.purger.purge(i.Context())
	}
}

// ingest stores a message.
func (i *inbox) ingest(name string) store.ID {
	i.Helper()

	e := store.Event{
		ID:            store.NewID(store.KindMessage, name),
		Kind:          store.KindMessage,
		Type:          "text",
		State:         store.Pending,
		Class:         store.Conversations,
		Lane:          name,
		PhoneNumberID: "4200",
		ReceivedAt:    i.clock.Now(),
		Payload:       []byte("{}"),
	}
	if _, err := i.opened.Ingest(i.Context(), []store.Event{e}); err != nil {
		i.Fatal(err)
	}

	return e.ID
}

// deadLetter stores a message that fails for good.
func (i *inbox) deadLetter(name string) store.ID {
	i.Helper()

	id, now := i.ingest(name), i.clock.Now()

	leases, err := i.opened.Claim(i.Context(), store.Conversations, now, now.Add(time.Minute), 1)
	if err != nil || len(leases) != 1 {
		i.Fatalf("%d leases, %v", len(leases), err)
	}

	if _, err := i.opened.Advance(i.Context(), leases[0].LeaseRef, id, store.Step{Now: now, Outcome: &store.Outcome{State: store.Dead}}); err != nil {
		i.Fatal(err)
	}

	return id
}

// keep changes how many days dead letters are kept, without a restart of the Purger.
func (i *inbox) keep(days int) {
	i.days = days
	i.purger.Live = i.live()
}

func (i *inbox) live() *config.Live {
	return config.Fixed(config.Config{Store: config.Store{DeadLetterDays: i.days}}, config.Secrets{})
}

// wantExpireAt checks the time of the next purge of a dead letter that is reported.
func (i *inbox) wantExpireAt(dead, want time.Time, when string) {
	i.Helper()

	if got := i.purger.ExpireAt(dead, i.clock.Now()); !got.Equal(want) {
		i.Errorf("%s: a dead letter of %v expires at %v, want %v", when, dead, got, want)
	}
}

// wantDead checks whether an event is still a dead letter.
func (i *inbox) wantDead(id store.ID, want bool, when string) {
	i.Helper()

	record, err := i.opened.Get(i.Context(), id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		i.Fatal(err)
	}

	if is := err == nil && record.Event.State == store.Dead; is != want {
		i.Errorf("%s: the event is a dead letter: %t, want %t", when, is, want)
	}
}

// wantAnnounced checks whether the purge of dead letters was announced since the store was closed.
func (i *inbox) wantAnnounced(first string) {
	i.Helper()

	if text := i.logged.String(); !strings.Contains(text, announcement) || !strings.Contains(text, "first_at="+first) {
		i.Errorf("logged %q, want that a purge is announced for %s", text, first)
	}
}

// TestDeadLettersAfterAnAbsence announces dead letters that expired while no receiver ran, before it purges them.
func TestDeadLettersAfterAnAbsence(t *testing.T) {
	for name, open := range map[string]func(*testing.T) func() (store.Store, error){
		"SQLite": func(t *testing.T) func() (store.Store, error) {
			path := filepath.Join(t.TempDir(), "inbox.db")
			return func() (store.Store, error) { return sqlite.Open(t.Context(), path, sqlite.Options{}) }
		},
		"PostgreSQL": func(t *testing.T) func() (store.Store, error) {
			user, err := pgtest.New(t, pgtest.Options{}).NewUser()
			if err != nil {
				t.Fatal(err)
			}

			access := func() postgres.Access { return postgres.Access{URL: user.URL} }

			return func() (store.Store, error) { return postgres.Open(access, postgres.Options{}), nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := &inbox{
				T:     t,
				clock: clockwork.NewFakeClockAt(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
				days:  90,
				open:  open(t),
			}
			i.start()

			expired := i.deadLetter("expired")

			i.pass(7 * day)
			i.stop(100 * day) // 2026-04-18
			i.start()
			i.wantDead(expired, true, "at the start after an absence")
			i.wantAnnounced("2026-04-25T00:00:00.000Z")

			// A short absence gives it no time anew.
			i.pass(3 * day)
			i.stop(time.Hour)
			i.start()
			i.wantAnnounced("2026-04-25T00:00:00.000Z")
			i.pass(4*day - 2*time.Hour)
			i.wantDead(expired, true, "before the end of the notice")
			i.pass(time.Hour)
			i.wantDead(expired, false, "at the end of the notice")

			// Absences of days count as none of the notice, and each adds its own time only.
			again := i.deadLetter("again") // 2026-04-25
			i.pass(85 * day)               // announced for 2 days

			for range 5 {
				i.stop(3 * day)
				i.start()
				i.wantDead(again, true, "at a start during the notice")
				i.pass(day - purgeInterval)
			}

			i.wantDead(again, true, "before the end of an interrupted notice")
			i.pass(time.Hour)
			i.wantDead(again, false, "at the end of an interrupted notice")

			if err := i.opened.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDeadLettersOfARestoredCopy restores a weekly copy after the retention of the messages that it ended.
func TestDeadLettersOfARestoredCopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	i := &inbox{
		T:     t,
		clock: clockwork.NewFakeClockAt(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
		days:  7,
	}
	i.open = func() (store.Store, error) { return sqlite.Open(t.Context(), path, sqlite.Options{Clock: i.clock}) }
	i.start()

	pending := i.ingest("pending")

	i.pass(3 * day)

	backedUp, ok := i.opened.(store.BackedUp)
	if !ok {
		t.Fatal("the store makes no copies")
	}

	copied, _, err := backedUp.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	content, err := io.ReadAll(copied)
	path = filepath.Join(t.TempDir(), "inbox.db")

	if err := errors.Join(err, copied.Close(), os.WriteFile(path, content, 0o600)); err != nil {
		t.Fatal(err)
	}

	i.stop(7*day + 2*time.Hour) // 2026-01-11 02:00
	i.start()
	i.wantDead(pending, true, "at the start with the copy")
	i.wantAnnounced("2026-01-12T20:00:00.000Z")
	i.pass(i.purger.Live.Current().Store.ExpiryNotice() - time.Hour)
	i.wantDead(pending, true, "before the end of the notice")
	i.pass(time.Hour)
	i.wantDead(pending, false, "at the end of the notice")

	if err := i.opened.Close(); err != nil {
		t.Error(err)
	}
}

// TestShorterRetention announces the dead letters that a shorter retention ends, although those of the longer one were announced
// for months.
func TestShorterRetention(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	i := &inbox{
		T:     t,
		clock: clockwork.NewFakeClockAt(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
		days:  90,
		open:  func() (store.Store, error) { return sqlite.Open(t.Context(), path, sqlite.Options{}) },
	}
	i.start()

	first := i.clock.Now()
	expired := i.deadLetter("expired")

	i.pass(60 * day) // 2026-03-02
	i.wantExpireAt(first, first.Add(90*day), "before the change")

	shorten := func(days int, left time.Duration, at string) {
		t.Helper()

		i.logged.Reset()
		i.keep(days)
		i.wantExpireAt(first, i.clock.Now().Add(left), "before the first purge with a shorter retention")
		i.pass(time.Hour)
		i.wantDead(expired, true, "at the first purge with a shorter retention")
		i.wantAnnounced(at)
		i.wantExpireAt(first, i.clock.Now().Add(left), "after the first purge with a shorter retention")
	}

	shorten(30, 7*day, "2026-03-09T01:00:00.000Z")
	i.pass(2 * day)

	// Another change begins the notice anew, also soon after an announcement.
	shorten(28, 7*day, "2026-03-11T02:00:00.000Z")
	i.pass(time.Hour)
	shorten(20, 5*day, "2026-03-09T04:00:00.000Z")

	// A longer retention has a longer notice.
	i.pass(3 * day)
	i.keep(30)
	i.pass(2 * day)
	i.wantDead(expired, true, "before the end of a longer notice")
	i.pass(2 * day)
	i.wantDead(expired, false, "at the end of the notice")

	if err := i.opened.Close(); err != nil {
		t.Error(err)
	}
}

// TestExpireAt reports when dead letters are purged to a store of an earlier build, and by a receiver that does not lead.
func TestExpireAt(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	began := clock.Now()
	inbox := &leaderStore{clock: clock, state: []byte(`{"announced":[{"from":"2025-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z"}]}`)}
	purger := New(Dependencies{
		Store:  inbox,
		Holder: "ours",
		Live:   config.Fixed(config.Config{}, config.Secrets{}),
		Clock:  clock,
		Log:    slog.New(slog.DiscardHandler),
	})

	want := func(age, left time.Duration) {
		t.Helper()

		now := clock.Now()
		if got := purger.ExpireAt(now.Add(-age), now); !got.Equal(now.Add(left)) {
			t.Errorf("a dead letter that is %v old expires in %v, want %v", age, got.Sub(now), left)
		}
	}

	want(100*day, 7*day) // before the first purge

	purger.purge(t.Context())
	want(100*day, 7*day)
	want(85*day, 7*day)
	want(10*day, 80*day)

	inbox.follows = true

	clock.Advance(5 * time.Minute)
	want(100*day, 7*day-5*time.Minute)

	inbox.state = []byte(`{"announced":[{"from":"2025-01-01T00:00:00Z","to":"2026-01-03T00:00:00Z"}],"dead_letter_days":90}`)

	clock.Advance(began.Add(2 * day).Sub(clock.Now()))
	purger.purge(t.Context())
	want(100*day, 0)
	want(85*day, 5*day)
}

// TestPeriods extends the periods in which dead letters are announced.
func TestPeriods(t *testing.T) {
	at := func(days float64) time.Time {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(days * float64(day)))
	}

	for name, test := range map[string]struct {
		known periods
		now   float64
		want  periods
	}{
		"the first use":                      {nil, 0, periods{{at(0), at(0)}}},
		"an interval":                        {periods{{at(0), at(1)}}, 2, periods{{at(0), at(2)}}},
		"an absence":                         {periods{{at(0), at(1)}}, 2.5, periods{{at(0), at(1)}, {at(2.5), at(2.5)}}},
		"a leader whose clock is behind":     {periods{{at(1), at(2)}}, 1.5, periods{{at(1), at(1.5)}}},
		"a new leader whose clock is behind": {periods{{at(1), at(1)}}, 0.5, periods{{at(0.5), at(0.5)}}},
		"a clock that was ahead":             {periods{{at(0), at(1)}, {at(100), at(101)}}, 2, periods{{at(2), at(2)}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.known.with(at(test.now), day)); diff != "" {
				t.Errorf("periods (-want +got):\n%s", diff)
			}
		})
	}

	var many periods
	for n := range 3 * maxPeriods {
		many = many.with(at(float64(2*n)), day)
	}

	if len(many) != maxPeriods || !many[0].From.Equal(at(0)) {
		t.Errorf("%d periods from %v, want %d from the first use on", len(many), many[0].From, maxPeriods)
	}
}
