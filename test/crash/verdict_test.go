// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// evidence is a flawless trial of one person, for tests to corrupt.
type evidence struct {
	began  time.Time
	ledger *ledger
	end    *ending
}

// newEvidence has three messages. The second one is answered with two replies.
func newEvidence() *evidence {
	s := &evidence{
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

// send adds a send that was answered within 100 ms, with statuses after a second.
func (e *evidence) send(m *message, part int, after time.Duration) *send {
	began := e.began.Add(after)
	one := &send{
		Replica:     1,
		Callback:    fmt.Sprintf("%s:%d", m.Event, part),
		Began:       began,
		Ended:       began.Add(100 * time.Millisecond),
		Answered:    true,
		Message:     fmt.Sprint("wamid.out", len(e.ledger.sends)),
		To:          waID(m.Person),
		Words:       m.answer(part),
		StatusCount: 3,
		FirstStatus: began.Add(time.Second),
	}
	e.ledger.sends = append(e.ledger.sends, one)
	e.ledger.accepted = append(e.ledger.accepted, one)

	e.end.Statuses[one.Message] = "read"
	for _, status := range statuses {
		e.ledger.notify(one.Message, status)
	}

	return one
}

// answersLater lets Bird post the answer to a message.
func (e *evidence) answersLater(m *message) {
	m.Later = true

	for _, one := range e.ledger.sends {
		for part := range m.Replies {
			if one.Callback == fmt.Sprintf("%s:%d", m.Event, part) {
				r := reply{m, part}
				e.ledger.expect(r)
				one.Callback = r.event() + ":0"
			}
		}
	}
}

func (e *evidence) withoutStatuses(one *send) {
	one.WithoutStatuses = true
	one.StatusCount = 0
	one.FirstStatus = time.Time{}
}

func (e *evidence) happens(k kind, replica int, from, lasts time.Duration) {
	e.ledger.incidents = append(e.ledger.incidents, occurrence{
		Kind:    k,
		Replica: replica,
		From:    e.began.Add(from),
		To:      e.began.Add(from + lasts),
	})
}

func TestVerify(t *testing.T) {
	type count struct{ Violations, Lost, Disorder, Allowed, Forbidden int }
	for _, tc := range []struct {
		name    string
		corrupt func(*evidence, []*message)
		want    count
	}{
		{"no violation", func(*evidence, []*message) {}, count{}},
		{"an acknowledged message is not stored", func(s *evidence, m []*message) { delete(s.end.Messages, m[1].Event) }, count{Violations: 1, Lost: 1}},
		{"a message is not acknowledged", func(_ *evidence, m []*message) { m[0].Acknowledged = false }, count{Violations: 1}},
		{"an event is stored that was never delivered", func(s *evidence, _ []*message) { s.end.Messages["other"] = store.Record{} }, count{Violations: 1}},
		{"a dead letter", func(s *evidence, m []*message) {
			s.end.Messages[m[2].Event] = store.Record{Work: store.Work{Event: store.Event{State: store.Dead}}}
			s.end.Stats.DeadLetters = 1
		}, count{Violations: 2}},
		{"work is pending", func(s *evidence, _ []*message) { s.end.Stats.PendingStatuses = 1 }, count{Violations: 1}},
		{"a reply is missing", func(s *evidence, _ []*message) { s.ledger.accepted = s.ledger.accepted[:3] }, count{Violations: 1}},
		{"a reply to another person", func(s *evidence, _ []*message) { s.ledger.accepted[2].To = waID(5) }, count{Violations: 1}},
		{"a reply in other words", func(s *evidence, _ []*message) { s.ledger.accepted[2].Words = "?" }, count{Violations: 1}},
		{"replies in another order", func(s *evidence, _ []*message) {
			a := s.ledger.accepted
			a[1], a[2] = a[2], a[1]
		}, count{Violations: 1, Disorder: 1}},
		{"requests in another order", func(s *evidence, _ []*message) {
			a := s.ledger.asked
			a[0], a[2] = a[2], a[0]
		}, count{Violations: 2, Disorder: 2}},
		{"a message is asked again as a new question", func(s *evidence, m []*message) { s.ledger.ask(m[2].Event) }, count{Violations: 1}},
		{"answers are posted", func(s *evidence, m []*message) {
			for _, one := range m {
				s.answersLater(one)
			}
		}, count{}},
		{"a posted reply is missing", func(s *evidence, m []*message) {
			s.answersLater(m[1])
			s.ledger.accepted = slices.Delete(s.ledger.accepted, 2, 3)
		}, count{Violations: 1}},
		{"posted replies in another order", func(s *evidence, m []*message) {
			s.answersLater(m[1])
			a := s.ledger.accepted
			a[1], a[2] = a[2], a[1]
		}, count{Violations: 1, Disorder: 1}},
		{"a posted reply is repeated for no reason", func(s *evidence, m []*message) {
			s.send(m[2], 0, time.Minute)
			s.answersLater(m[2])
		}, count{Violations: 1, Forbidden: 1}},
		{"a reply although the answer is posted", func(s *evidence, m []*message) {
			s.answersLater(m[2])
			s.send(m[2], 0, time.Minute)
		}, count{Violations: 1}},
		{"a status went backwards", func(s *evidence, _ []*message) { s.end.Statuses["wamid.out0"] = "sent" }, count{Violations: 1}},
		{"Bird was not notified of a status", func(s *evidence, _ []*message) { delete(s.ledger.notified, "wamid.out0 read") }, count{Violations: 1}},
		{"a reply is repeated for no reason", func(s *evidence, m []*message) { s.send(m[2], 0, time.Minute) }, count{Violations: 1, Forbidden: 1}},
		{"a reply is repeated although a status resolved it", func(s *evidence, m []*message) {
			s.happens(killed, 1, 30*time.Second, 0)
			s.send(m[2], 0, time.Minute)
		}, count{Violations: 1, Forbidden: 1}},
		{"a reply is repeated that was in flight at a kill, without statuses", func(s *evidence, m []*message) {
			s.happens(killed, 1, 30*time.Second, 0)
			s.withoutStatuses(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Allowed: 1}},
		{"a reply is repeated that was in flight at a stall, status too late", func(s *evidence, m []*message) {
			s.happens(stalled, 1, 29*time.Second, 5*time.Second)
			s.ledger.accepted[3].FirstStatus = s.began.Add(2 * time.Minute)
			s.send(m[2], 0, time.Minute)
		}, count{Allowed: 1}},
		{"a reply is repeated that was never answered, without statuses", func(s *evidence, m []*message) {
			s.ledger.accepted[3].Answered = false
			s.withoutStatuses(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Allowed: 1}},
		{"a reply is repeated after a takeover, without statuses", func(s *evidence, m []*message) {
			s.ledger.read(1, fmt.Sprintf(`{"event":%q,"event_id":%q}`, logevent.LeaseLost, m[2].Event))
			s.withoutStatuses(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Allowed: 1}},
		{"a reply is repeated, without statuses, when another replica was killed", func(s *evidence, m []*message) {
			s.happens(killed, 2, 30*time.Second, 0)
			s.withoutStatuses(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Violations: 1, Forbidden: 1}},
		{"a reply is repeated, without statuses, that could not be recorded before a kill while another was stalled", func(s *evidence, m []*message) {
			s.happens(stalled, 2, 29*time.Second, 5*time.Second)
			s.happens(killed, 1, 32*time.Second, 0)
			s.withoutStatuses(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Allowed: 1}},
		{"a reply is repeated, without statuses, long before a kill", func(s *evidence, m []*message) {
			s.happens(killed, 1, 32*time.Second, 0)
			s.withoutStatuses(s.ledger.accepted[3])
			s.send(m[2], 0, time.Minute)
		}, count{Violations: 1, Forbidden: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newEvidence()
			tc.corrupt(s, s.ledger.messages)
			r := verify(&trial{window: 20 * time.Second}, s.ledger, s.end)

			got := count{len(r.violations), r.lost, r.disorder, r.allowed, r.forbidden}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s%v", diff, r.violations)
			}
		})
	}
}
