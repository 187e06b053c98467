// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// message is one message of a person. Exported fields, here and below, appear in the record of a trial.
type message struct {
	Person       int
	Number       int // from 1, of the person's messages
	ID           string
	Event        string // the id that the receiver gives it
	Words        string
	Replies      int  // number of messages in Bird's answer
	Later        bool // Bird posts the answer
	Deliveries   int
	Acknowledged bool
}

// answer returns one of the replies to a message.
func (m *message) answer(part int) string { return fmt.Sprintf("reply %d to %s", part, m.Words) }

// send is one call of a replica to send a message, as Meta saw it.
type send struct {
	Replica         int
	Callback        string
	Began, Ended    time.Time
	Answered        bool   // 200 was written to the end
	Message         string // the id of the accepted message; empty if none was accepted
	To, Words       string
	WithoutStatuses bool      // Meta delivers no status of it
	FirstStatus     time.Time // when the first of its statuses was answered 200
	StatusCount     int       // statuses answered 200
}

// occurrence is an incident that took place.
type occurrence struct {
	Kind     kind
	Replica  int
	From, To time.Time
}

// takeover means that a replica lost the lease on an event to another replica.
type takeover struct {
	replica int
	event   string
}

// ledger records everything that happened outside of the receiver.
type ledger struct {
	mu         sync.Mutex
	messages   []*message
	byEvent    map[string]*message
	sends      []*send // in the order in which they began
	accepted   []*send // in the order in which Meta accepted them
	open       map[string][]*send
	posted     map[string]reply // later replies, by the ids of their events
	owed       int              // answers that Bird has promised and not posted
	owedAtKill int              // the sum of owed at all kills
	asked      []*message       // in the order of the requests to Bird, without repetitions under the same Idempotency-Key
	notified   map[string]bool
	incidents  []occurrence
	outages    []absence
	away       *absence // the current outage of Bird, else nil
	takeovers  map[takeover]bool
	unexpected []string // see recordUnexpected
}

func newLedger() *ledger {
	return &ledger{
		byEvent:   map[string]*message{},
		open:      map[string][]*send{},
		posted:    map[string]reply{},
		notified:  map[string]bool{},
		takeovers: map[takeover]bool{},
	}
}

func (l *ledger) write(m *message) {
	m.Event = store.NewID(store.KindMessage, phoneNumberID, m.ID).String()

	l.mu.Lock()
	defer l.mu.Unlock()

	l.messages = append(l.messages, m)
	l.byEvent[m.Event] = m
}

func (l *ledger) acknowledge(m *message, deliveries int, acknowledged bool) {
	l.mu.Lock()
	defer l.mu.Unlock()

	m.Deliveries = deliveries
	m.Acknowledged = acknowledged
}

// ask records a request to Bird about an event and returns the message, nil if there is none.
func (l *ledger) ask(event string) *message {
	l.mu.Lock()
	defer l.mu.Unlock()

	m := l.byEvent[event]
	if m == nil {
		l.unexpected = append(l.unexpected, "request to Bird about an unknown event: "+event)
		return nil
	}

	l.asked = append(l.asked, m)

	return m
}

func (l *ledger) notify(message, status string) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.notified[message+" "+status] = true
}

func (l *ledger) sendBegins(replica int, callback string) *send {
	s := &send{
		Replica:  replica,
		Callback: callback,
		Began:    time.Now(),
	}

	l.mu.Lock()
	defer l.mu.Unlock()

	l.sends = append(l.sends, s)
	l.open[callback] = append(l.open[callback], s)

	return s
}

func (l *ledger) sendEnds(s *send, answered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()

	s.Ended = time.Now()
	s.Answered = answered

	l.open[s.Callback] = slices.DeleteFunc(l.open[s.Callback], func(other *send) bool { return other == s })
	if len(l.open[s.Callback]) == 0 {
		delete(l.open, s.Callback)
	}
}

// accept records a message that Meta accepted. It belongs to the oldest open send with this callback data.
func (l *ledger) accept(m standin.SentMessage, withoutStatuses bool) *send {
	l.mu.Lock()
	defer l.mu.Unlock()

	for _, s := range l.open[m.Callback] {
		if s.Message == "" {
			s.Message = m.ID
			s.To = strings.TrimPrefix(m.To, "+")
			s.Words = m.Text
			s.WithoutStatuses = withoutStatuses
			l.accepted = append(l.accepted, s)

			return s
		}
	}

	l.unexpected = append(l.unexpected, "Meta accepted a message without callback data")

	return nil
}

func (l *ledger) recordStatus(s *send) {
	l.mu.Lock()
	defer l.mu.Unlock()

	if s.StatusCount++; s.StatusCount == 1 {
		s.FirstStatus = time.Now()
	}
}

func (l *ledger) recordIncident(k kind, replica int, from time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()

	if k == killed {
		l.owedAtKill += l.owed
	}

	l.incidents = append(l.incidents, occurrence{
		Kind:    k,
		Replica: replica,
		From:    from,
		To:      time.Now(),
	})
}

// read records the takeovers in a replica's log.
func (l *ledger) read(replica int, line string) {
	var entry struct {
		Event   string
		EventID string `json:"event_id"`
	}
	if json.Unmarshal([]byte(line), &entry) != nil || entry.Event != logevent.LeaseLost {
		return
	}

	l.mu.Lock()
	defer l.mu.Unlock()

	l.takeovers[takeover{replica, entry.EventID}] = true
}

// recordUnexpected records an event that makes the trial meaningless.
func (l *ledger) recordUnexpected(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.unexpected = append(l.unexpected, text)
}

// reply returns the reply of a send. Its message is nil if there is none.
func (l *ledger) reply(s *send) reply {
	event, part, _, ok := whatsapp.ParseCallback(s.Callback)
	if !ok {
		return reply{}
	}

	if later, ok := l.posted[event]; ok {
		if part > 0 {
			return reply{} // each reply is posted alone
		}

		return later
	}

	m := l.byEvent[event]
	if m == nil || m.Later {
		return reply{}
	}

	return reply{m, part}
}
