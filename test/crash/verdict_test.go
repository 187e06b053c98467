// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// scene is a trial of one person in which all went well, to be spoilt.
type scene struct {
	began  time.Time
	ledger *ledger
	end    *ending
}

// newScene has three messages, the second of which is answered with two replies.
func newScene() *scene {
	s := &scene{
		began:  time.Unix(1_800_000_000, 0),
		ledger: newLedger(),
		end:    &ending{Messages: map[string]store.Record{}, Statuses: map[string]string{}},
	}
	for n, replies := range []int{1, 2, 1} {
		m := &message{
			Person:       4,
			Number:       n + 1,
			ID:           fmt.Sprint("wamid.", n+1),
			Words:        fmt.Sprint(n + 1),
			Replies:      replies,
			Deliveries:   1,
			Acknowledged: true,
		}
		s.ledger.write(m)
		s.ledger.ask(m.Event)

		s.end.Messages[m.Event] = store.Record{Work: store.Work{Event: store.Event{State: store.Done}}}
		for part := range replies {
			s.send(m, part, time.Duration(10*(n+1)+part)*time.Second)
		}
	}

	return s
}

// send adds a send that was answered within 100 ms and whose statuses were told after a second.
func (s *scene) send(m *message, part int, after time.Duration) *send {
	began := s.began.Add(after)
	one := &send{
		Replica:  1,
		Callback: fmt.Sprintf("%s:%d", m.Event, part),
		Began:    began,
		Ended:    began.Add(100 * time.Millisecond),
		Answered: true,
		Message:  fmt.Sprint("wamid.out", len(s.ledger.sends)),
		To:       waID(m.Person),
		Words:    m.answer(part),
		Told:     3,
		ToldAt:   began.Add(time.Second),
	}
	s.ledger.sends = append(s.ledger.sends, one)
	s.ledger.accepted = append(s.ledger.accepted, one)

	s.end.Statuses[one.Message] = "read"
	for _, status := range statuses {
		s.ledger.notify(one.Message, status)
	}

	return one
}

func (s *scene) untell(one *send) {
	one.Untold = true
	one.Told = 0
	one.ToldAt = time.Time{}
}

func (s *scene) happens(k kind, replica int, from, lasts time.Duration) {
	s.ledger.incidents = append(s.ledger.incidents, occurrence{
		Kind:    k,
		Replica: replica,
		From:    s.began.Add(from),
		To:      s.began.Add(from + lasts),
	})
}

func TestJudge(t *testing.T) {
	type count struct{ Violations, Lost, Disorder, Allowed, Forbidden int }
	for _, tc := range []struct {
		name  string
		spoil func(*scene, []*message)
		want  count
	}{
		{"all is well", func(*scene, []*message) {}, count{}},
		{"an acknowledged message is not stored", func(s *scene, m []*message) { delete(s.end.Messages, m[1].Event) }, count{Violations: 1, Lost: 1}},
		{"a message is not acknowledged", func(_ *scene, m []*message) { m[0].Acknowledged = false }, count{Violations: 1}},
		{"an event is stored that nobody wrote", func(s *scene, _ []*message) { s.end.Messages["other"] = store.Record{} }, count{Violations: 1}},
		{"a dead letter", func(s *scene, m []*message) {
			s.end.Messages[m[2].Event] = store.Record{Work: store.Work{Event: store.Event{State: store.Dead}}}
			s.end.Stats.DeadLetters = 1
		}, count{Violations: 2}},
		{"work is left", func(s *scene, _ []*message) { s.end.Stats.PendingStatuses = 1 }, count{Violations: 1}},
		{"a reply is missing", func(s *scene, _ []*message) { s.ledger.accepted = s.ledger.accepted[:3] }, count{Violations: 1}},
		{"a reply to another person", func(s *scene, _ []*message) { s.ledger.accepted[2].To = waID(5) }, count{Violations: 1}},
		{"a reply in other words", func(s *scene, _ []*message) { s.ledger.accepted[2].Words = "?" }, count{Violations: 1}},
		{"replies in another order", func(s *scene, _ []*message) {
			a := s.ledger.accepted
			a[1], a[2] = a[2], a[1]
		}, count{Violations: 1, Disorder: 1}},
		{"questions in another order", func(s *scene, _ []*message) {
			a := s.ledger.asked
			a[0], a[2] = a[2], a[0]
		}, count{Violations: 2, Disorder: 2}},
		{"a question is put again", func(s *scene, m []*message) { s.ledger.ask(m[2].Event) }, count{}},
		{"a status went backwards", func(s *scene, _ []*message) { s.end.Statuses["wamid.out0"] = "sent" }, count{Violations: 1}},
		{"Bird was not told of a status", func(s *scene, _ []*message) { delete(s.ledger.notified, "wamid.out0 read") }, count{Violations: 1}},
		{"a reply is repeated for no reason", func(s *scene, m []*message) { s.send(m[2], 0, time.Minute) }, count{Violations: 1, Forbidden: 1}},
		{"a reply is repeated although a status told of it", func(s *scene, m []*message) {
			s.happens(killed, 1, 30*time.Second, 0)
			s.send(m[2], 0, time.Minute)
		}, count{Violations: 1, Forbidden: 1}},
		{"a reply is repeated that was in flight at a kill, untold", func(s *scene, m []*message) {
			s.happens(killed, 1, 30*time.Second, 0)
			s.untell(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Allowed: 1}},
		{"a reply is repeated that was in flight at a stall, told too late", func(s *scene, m []*message) {
			s.happens(stalled, 1, 29*time.Second, 5*time.Second)
			s.ledger.accepted[3].ToldAt = s.began.Add(2 * time.Minute)
			s.send(m[2], 0, time.Minute)
		}, count{Allowed: 1}},
		{"a reply is repeated that was never answered, untold", func(s *scene, m []*message) {
			s.ledger.accepted[3].Answered = false
			s.untell(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Allowed: 1}},
		{"a reply is repeated after a takeover, untold", func(s *scene, m []*message) {
			s.ledger.read(1, fmt.Sprintf(`{"event":%q,"event_id":%q}`, logevent.LeaseLost, m[2].Event))
			s.untell(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Allowed: 1}},
		{"a reply is repeated, untold, when another replica was killed", func(s *scene, m []*message) {
			s.happens(killed, 2, 30*time.Second, 0)
			s.untell(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Violations: 1, Forbidden: 1}},
		{"a reply is repeated, untold, that could not be recorded before a kill while another was stalled", func(s *scene, m []*message) {
			s.happens(stalled, 2, 29*time.Second, 5*time.Second)
			s.happens(killed, 1, 32*time.Second, 0)
			s.untell(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Allowed: 1}},
		{"a reply is repeated, untold, long before a kill", func(s *scene, m []*message) {
			s.happens(killed, 1, 32*time.Second, 0)
			s.untell(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Violations: 1, Forbidden: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene()
			tc.spoil(s, s.ledger.messages)
			r := judge(&trial{window: 20 * time.Second}, s.ledger, s.end)

			got := count{len(r.violations), r.lost, r.disorder, r.allowed, r.forbidden}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("the judge found (-want +got):\n%s%v", diff, r.violations)
			}
		})
	}
}
