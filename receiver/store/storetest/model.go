// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// runModel compares the store with a model of the inbox under random operations. The model predicts the next event of
// each lane and its time, so it detects events that are lost, processed twice, out of order, or delayed by another
// lane.
func runModel(t *testing.T, factory Factory) {
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		place, err := os.MkdirTemp(root, "") //nolint:usetesting // rapid needs one for each run, not one for the test
		if err != nil {
			rt.Fatal(err)
		}

		m := &model{
			T:         rt,
			place:     place,
			factory:   factory,
			exclusive: factory.Exclusive,
			now:       at(0),
			events:    map[string]*modelEvent{},
			lanes:     map[modelName]*modelLane{},
			people:    map[string]*modelPerson{},
			pauses:    map[string]store.Pause{},
		}

		m.open()
		defer func() {
			if err := m.store.Close(); err != nil {
				rt.Errorf("Close: %v", err)
			}

			if err := os.RemoveAll(place); err != nil {
				rt.Error(err)
			}
		}()

		rt.Repeat(m.actions())
	})
}

// actions returns the operations, of which rapid draws a sequence.
func (m *model) actions() map[string]func(*rapid.T) {
	actions := map[string]func(*rapid.T){
		"":         m.compare,
		"ingest":   m.ingest,
		"arrive":   m.ingestAndClaim,
		"claim":    m.claim,
		"open":     m.claimWaiting,
		"repair":   m.repairClock,
		"end":      m.end,
		"send":     m.send,
		"sent":     m.sent,
		"hear":     m.transcribe,
		"bind":     m.coalesce,
		"resend":   m.resend,
		"emit":     m.emit,
		"converse": m.updateConversation,
		"pause":    m.pause,
		"postpone": m.postpone,
		"release":  m.release,
		"renew":    m.renew,
		"replay":   m.replay,
		"bulk":     m.replayAll,
		"history":  m.history,
		"wait":     m.wait,
		"reopen":   m.reopen,
	}
	if m.factory.Move != nil {
		actions["move"] = m.move
	}

	return actions
}

type modelEvent struct {
	event    store.Event
	place    int // position in the order of arrival
	state    store.State
	attempts int
	replays  int
	starts   int
	replies  []store.Reply
	boundTo  *modelEvent
	binds    bool

	transcript string
}

// modelName is the key of a lane.
type modelName struct {
	class store.Class
	lane  string
}

type modelLane struct {
	ready  time.Time // zero when idle
	waits  string    // scope for which it waits
	token  int64     // 0 when not leased
	head   *modelEvent
	events []*modelEvent
}

// oldest returns the pending event that arrived first, or nil.
func (l *modelLane) oldest() *modelEvent {
	for _, e := range l.events {
		if e.state == store.Pending {
			return e
		}
	}

	return nil
}

type model struct {
	*rapid.T
	factory   Factory
	exclusive bool // of the present engine
	place     string
	store     store.Store
	now       time.Time
	events    map[string]*modelEvent
	lanes     map[modelName]*modelLane
	people    map[string]*modelPerson // by each of their names
	pauses    map[string]store.Pause
	holds     []hold
}

func (m *model) open() {
	s, err := m.factory.Open(m.place)
	if err != nil {
		m.Fatalf("Open: %v", err)
	}

	m.store = s
}

// lane returns the lane of a lease or an event. A conversation may have any name of its person.
func (m *model) lane(class store.Class, name string) *modelLane {
	if class == store.Conversations {
		name = m.person(name).lane
	}

	key := modelName{class: class, lane: name}
	if m.lanes[key] == nil {
		m.lanes[key] = &modelLane{}
	}

	return m.lanes[key]
}

// draw returns up to four events. The same event always has the same kind, class and lane. Most are messages.
func (m *model) draw(t *rapid.T) []store.Event {
	var events []store.Event
	for _, n := range rapid.SliceOfN(rapid.IntRange(0, 19), 1, 4).Draw(t, "events") {
		e := received(text(strconv.Itoa(n), "lane "+strconv.Itoa(n%3)), m.now)
		switch n % 10 {
		case 6:
			e.Kind = store.KindOutbound // as a message, but not by the person
		case 7:
			e.Kind = store.KindField // in the conversation, but not a message
			e.Takeover = &store.Takeover{
				By:    store.Colleague,
				Until: m.now.Add(time.Minute),
				At:    m.now,
			}
		case 8:
			e.Kind = store.KindStatus
			e.Class = store.Statuses
		case 9:
			e.Kind = store.KindNotice
			e.Class = store.Notices
		}

		if other := rapid.IntRange(0, 9).Draw(t, "alias"); other < 5 && e.Kind == store.KindMessage {
			e.Aliases = []string{"lane " + strconv.Itoa(other)}
		}

		events = append(events, e)
	}

	return events
}

// unknownToken is the token in the model of a lease that the store has just granted.
const unknownToken = -1

// ingested applies IngestAndClaim to the model and returns the expected result. The tokens of leases are unknown.
func (m *model) ingested(events []store.Event, offer store.Offer) (fresh []bool) {
	for _, e := range events {
		name := string(e.Payload)

		fresh = append(fresh, m.events[name] == nil)
		if m.events[name] != nil {
			continue
		}

		m.joinAll(e.Lane, e.Aliases)
		e.Aliases = nil

		if e.Kind == store.KindMessage {
			m.person(e.Lane).hears(e.ReceivedAt)
		}

		if e.Takeover != nil {
			m.takeOver(e.Lane, *e.Takeover)
			e.Takeover = nil
		}

		lane := m.lane(e.Class, e.Lane)
		if e.Class == store.Conversations {
			e.Lane = m.person(e.Lane).lane
		}

		m.events[name] = &modelEvent{
			event: e,
			place: len(m.events),
			state: store.Pending,
		}

		lane.events = append(lane.events, m.events[name])

		switch {
		case lane.ready.IsZero() && offer.Lanes[e.Class] > 0:
			offer.Lanes[e.Class]--
			lane.ready = offer.Until
			lane.token = unknownToken
			lane.head = m.events[name]
			lane.head.starts = 1
		case lane.ready.IsZero():
			lane.ready = e.ReceivedAt
		}
	}

	return fresh
}

func (m *model) ingest(t *rapid.T) {
	events := m.draw(t)

	fresh, err := m.store.Ingest(t.Context(), events)
	if want := m.ingested(events, store.Offer{}); err != nil || !slices.Equal(fresh, want) {
		t.Fatalf("Ingest returned %v, %v, want %v", fresh, err, want)
	}
}

func (m *model) ingestAndClaim(t *rapid.T) {
	events := m.draw(t)
	offer := store.Offer{Now: m.now, Until: m.now.Add(leaseTime)}

	for class := range offer.Lanes {
		offer.Lanes[class] = rapid.IntRange(0, 2).Draw(t, "lanes")
	}

	arrival, err := m.store.IngestAndClaim(t.Context(), events, offer)

	if want := m.ingested(events, offer); err != nil || !slices.Equal(arrival.Fresh, want) {
		t.Fatalf("IngestAndClaim returned %v, %v, want %v", arrival.Fresh, err, want)
	}

	for _, lease := range arrival.Leases {
		lane := m.lane(lease.Class, lease.Lane)
		if lane.token != unknownToken {
			t.Fatalf("%s was leased when an event arrived, though it was not idle", lease.Lane)
		}

		lane.token = lease.Token
		m.checkWork(t, lease.LeaseRef, &lease.Work)
	}

	for name, lane := range m.lanes {
		if lane.token == unknownToken {
			t.Fatalf("%s was not leased when an event arrived", name.lane)
		}
	}

	for i, e := range events {
		lane := m.lane(e.Class, e.Lane)
		wasIdle := arrival.Fresh[i] && lane.oldest() == m.events[string(e.Payload)]

		if wasIdle && lane.token == 0 && !arrival.Due[e.Class] {
			t.Fatalf("%s became due, which IngestAndClaim does not report", e.Lane)
		}
	}
}
