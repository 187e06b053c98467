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

// message is what a person wrote. Exported fields, here and below, are for the record that is kept of a trial.
type message struct {
	Person       int
	Number       int // from 1, of the person's messages
	ID           string
	Event        string // the id that the receiver gives it
	Words        string
	Replies      int // that Bird answers it with
	Deliveries   int
	Acknowledged bool
}

// answer is one of the replies to a message.
func (m *message) answer(part int) string { return fmt.Sprintf("reply %d to %s", part, m.Words) }

// send is one call by which a replica sends a message, as Meta saw it.
type send struct {
	Replica      int
	Callback     string
	Began, Ended time.Time
	Answered     bool   // 200 was written to the end
	Message      string // the id that Meta gave what it accepted; empty: nothing was
	To, Words    string
	Untold       bool      // Meta never tells a status of it
	ToldAt       time.Time // when the first of its statuses was answered 200
	Told         int       // statuses answered 200
}

// occurrence is an incident that took place.
type occurrence struct {
	Kind     kind
	Replica  int
	From, To time.Time
}

// takeover is that a replica lost an event to another one while it worked on it.
type takeover struct {
	replica int
	event   string
}

// ledger is all that the world outside of the receiver saw.
type ledger struct {
	mu        sync.Mutex
	messages  []*message
	byEvent   map[string]*message
	sends     []*send // in the order in which they began
	accepted  []*send // in the order in which Meta accepted them
	open      map[string][]*send
	asked     []*message // in the order in which Bird was asked, repetitions left out that Bird answered by their key
	notified  map[string]bool
	incidents []occurrence
	takeovers map[takeover]bool
	strange   []string // see wonder
}

func newLedger() *ledger {
	return &ledger{
		byEvent:   map[string]*message{},
		open:      map[string][]*send{},
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

// ask notes that Bird was asked about an event, and returns the message; nil: there is none.
func (l *ledger) ask(event string) *message {
	l.mu.Lock()
	defer l.mu.Unlock()

	m := l.byEvent[event]
	if m == nil {
		l.strange = append(l.strange, "Bird was asked about an event that nobody wrote: "+event)
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

// accept notes what Meta accepted: it is of the oldest open send with this callback data of which nothing was accepted.
func (l *ledger) accept(m standin.SentMessage, untold bool) *send {
	l.mu.Lock()
	defer l.mu.Unlock()

	for _, s := range l.open[m.Callback] {
		if s.Message == "" {
			s.Message = m.ID
			s.To = strings.TrimPrefix(m.To, "+")
			s.Words = m.Text
			s.Untold = untold
			l.accepted = append(l.accepted, s)

			return s
		}
	}

	l.strange = append(l.strange, "Meta accepted a message without callback data")

	return nil
}

func (l *ledger) tell(s *send) {
	l.mu.Lock()
	defer l.mu.Unlock()

	if s.Told++; s.Told == 1 {
		s.ToldAt = time.Now()
	}
}

func (l *ledger) happened(k kind, replica int, from time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.incidents = append(l.incidents, occurrence{
		Kind:    k,
		Replica: replica,
		From:    from,
		To:      time.Now(),
	})
}

// read takes a line of a replica's log, which tells of takeovers.
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

// wonder notes what cannot be in a trial that means something.
func (l *ledger) wonder(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.strange = append(l.strange, text)
}

// figures are how far a trial is.
type figures struct {
	kills, stalls, restarts int
	acknowledged            int
	accepted                int
	toTell, told, notified  int // statuses
}

func (l *ledger) figures() figures {
	l.mu.Lock()
	defer l.mu.Unlock()

	f := figures{accepted: len(l.accepted), notified: len(l.notified)}
	for _, i := range l.incidents {
		switch i.Kind {
		case killed:
			f.kills++
		case stalled:
			f.stalls++
		case restarted:
			f.restarts++
		}
	}

	for _, m := range l.messages {
		if m.Acknowledged {
			f.acknowledged++
		}
	}

	for _, s := range l.accepted {
		if !s.Untold {
			f.toTell += len(statuses)
			f.told += s.Told
		}
	}

	return f
}

// part is the message that a send answers, and which of its replies it is.
func (l *ledger) part(s *send) (*message, int) {
	event, part, ok := whatsapp.ParseCallback(s.Callback)
	if !ok {
		return nil, 0
	}

	return l.byEvent[event], part
}
