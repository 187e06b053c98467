// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// recording is the time that a replica may need to store the outcome of a send after Meta's answer. A replica that is killed
// within that time does not know the outcome.
const recording = time.Second

// blocked is the additional time while another replica is stalled: it may hold locks until the database aborts its
// transaction.
const blocked = 2 * time.Second

// maxListed bounds the violations that are listed.
const maxListed = 100

// ending is the content of the store at the end.
type ending struct {
	Messages map[string]store.Record // by event
	Statuses map[string]string       // the furthest, by message
	Stats    store.Stats
}

// result is the outcome of a trial.
type result struct {
	trial   *trial
	figures figures

	offered, acknowledged, stored, answered int
	redeliveries                            int
	inFlight                                int // calls that were open when their replica was killed
	unconfirmed                             int // accepted sends whose outcome the replica could not know
	resolved                                int // unconfirmed sends that a status resolved in time
	allowed, forbidden                      int // second replies
	takenOver                               int // allowed second replies whose first send is unknown only because of a takeover
	secondQuestions                         int // requests to Bird about a message that it had answered
	disorder, lost                          int
	seconds                                 float64

	repeats    []string // the second replies that are allowed
	violations []string
	more       int // violations that are not listed
}

func (r *result) violate(format string, args ...any) {
	if len(r.violations) == maxListed {
		r.more++
		return
	}

	r.violations = append(r.violations, fmt.Sprintf(format, args...))
}

// verify compares the ledger with the content of the store.
func verify(t *trial, l *ledger, end *ending) *result {
	r := &result{
		trial:   t,
		figures: l.figures(),
		offered: len(l.messages),
		stored:  len(end.Messages),
	}
	for _, text := range l.unexpected {
		r.violate("%s", text)
	}

	r.verifyMessages(l, end)
	r.verifySends(l)
	r.verifyStatuses(l, end)
	r.verifyOrder(l)

	if s := end.Stats; s.Pending+s.PendingStatuses+s.PendingNotices+s.DeadLetters+s.Quarantined > 0 {
		r.violate("at the end %d messages, %d statuses and %d notices are pending, %d dead letters, %d quarantined",
			s.Pending, s.PendingStatuses, s.PendingNotices, s.DeadLetters, s.Quarantined)
	}

	return r
}

func (m *message) String() string { return fmt.Sprintf("message %s (event %s)", m.Words, m.Event) }

// verifyMessages checks that every acknowledged message is stored and processed, and that nothing else is stored.
func (r *result) verifyMessages(l *ledger, end *ending) {
	sent := map[reply]bool{}
	for _, s := range l.accepted {
		sent[l.reply(s)] = true
	}

	for _, m := range l.messages {
		r.redeliveries += max(m.Deliveries-1, 0)
		if !m.Acknowledged {
			r.violate("%s was never acknowledged, after %d deliveries", m, m.Deliveries)
			continue
		}

		r.acknowledged++

		record, there := end.Messages[m.Event]
		if !there {
			r.lost++
			r.violate("%s was acknowledged and is not stored", m)

			continue
		}

		if record.Event.State != store.Done {
			r.violate("%s is %s: %+v", m, record.Event.State, record.Failures)
		}

		unanswered := 0
		for part := range m.Replies {
			if !sent[reply{m, part}] {
				unanswered++
			}
		}

		if unanswered > 0 {
			r.violate("%s is %s with %d of its %d replies not sent", m, record.Event.State, unanswered, m.Replies)
			continue
		}

		r.answered++
	}

	for event := range end.Messages {
		if l.byEvent[event] == nil {
			r.violate("event %s is stored, but was never delivered", event)
		}
	}
}

// verifySends checks that each reply went to its person with Bird's words, and once, unless the outcome of its first send
// was unknown and no status came in time.
func (r *result) verifySends(l *ledger) {
	sends := map[string][]*send{}
	for _, s := range l.accepted {
		of := l.reply(s)

		part := of.part

		m := of.message
		if m == nil || part >= m.Replies {
			r.violate("a reply was sent to no message: %s", s.Callback)
			continue
		}

		if s.To != waID(m.Person) || s.Words != m.answer(part) {
			r.violate("reply %d to %s went to %s with the words %q", part, m, s.To, s.Words)
		}

		earlier := sends[s.Callback]

		sends[s.Callback] = append(earlier, s)
		if len(earlier) == 0 {
			continue
		}

		repeat := fmt.Sprintf("reply %d to %s was sent again: %s", part, m, describe(l, sends[s.Callback]))
		if slices.ContainsFunc(earlier, func(first *send) bool { return !r.excused(l, first, s) }) {
			r.forbidden++
			r.violate("%s", repeat)

			continue
		}

		r.allowed++

		r.repeats = append(r.repeats, repeat)
		if !slices.ContainsFunc(earlier, func(first *send) bool { return outcomeUnknown(l, first) }) {
			r.takenOver++
		}
	}

	for _, same := range sends {
		for _, s := range same {
			if outcomeUnknown(l, s) {
				r.unconfirmed++
				if len(same) == 1 && !s.WithoutStatuses {
					r.resolved++
				}
			}
		}
	}

	for _, s := range l.sends {
		if slices.ContainsFunc(l.incidents, func(i occurrence) bool {
			return i.Kind == killed && i.Replica == s.Replica && !s.Began.After(i.To) && !s.Ended.Before(i.From)
		}) {
			r.inFlight++
		}
	}
}

// verifyStatuses checks that the store has the furthest status of each reply, whatever their order, and that Bird was
// notified of each.
func (r *result) verifyStatuses(l *ledger, end *ending) {
	for _, s := range l.accepted {
		if s.WithoutStatuses {
			continue
		}

		if got := end.Statuses[s.Message]; got != "read" {
			r.violate("the reply %s was read, and the store has %q", s.Callback, got)
		}

		for _, status := range statuses {
			if !l.notified[s.Message+" "+status] {
				r.violate("Bird was not notified that the reply %s is %s", s.Callback, status)
			}
		}
	}
}

// excused reports whether the receivers could not know the outcome of the first send when the second began. That includes a
// replica that lost its lease before it stored the answer, because the store was slower than the lease.
func (r *result) excused(l *ledger, first, second *send) bool {
	event, _, _, _ := whatsapp.ParseCallback(first.Callback)
	unknown := outcomeUnknown(l, first) || l.takeovers[takeover{first.Replica, event}]
	// On a busy machine a second send may begin well after the end of the window.
	return unknown && (first.StatusCount == 0 || first.FirstStatus.After(second.Began) || first.FirstStatus.After(first.Began.Add(r.trial.window)))
}

// outcomeUnknown reports whether the replica could not know the outcome of a send: it got no answer, or an incident hit it
// before it could have stored the answer.
func outcomeUnknown(l *ledger, s *send) bool {
	return !s.Answered || len(l.hitting(s)) > 0
}

// hitting returns the incidents that may have kept the replica from storing the outcome of the send.
func (l *ledger) hitting(s *send) []occurrence {
	within := recording
	if slices.ContainsFunc(l.incidents, func(i occurrence) bool {
		return i.Kind == stalled && i.Replica != s.Replica && i.near(s, recording)
	}) {
		within += blocked
	}

	return slices.DeleteFunc(slices.Clone(l.incidents), func(i occurrence) bool { return i.Replica != s.Replica || !i.near(s, within) })
}

func (o occurrence) near(s *send, within time.Duration) bool {
	return !s.Began.After(o.To.Add(within)) && !s.Ended.Add(within).Before(o.From)
}

func describe(l *ledger, sends []*send) string {
	var text strings.Builder
	for _, s := range sends {
		fmt.Fprintf(&text, "\n    replica %d, %s to %s, answered: %t", s.Replica, clock(s.Began), clock(s.Ended), s.Answered)

		for _, i := range l.hitting(s) {
			fmt.Fprintf(&text, ", %s %s to %s", i.Kind, clock(i.From), clock(i.To))
		}

		if s.StatusCount > 0 {
			fmt.Fprint(&text, ", status at ", clock(s.FirstStatus))
		}
	}

	return text.String()
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }
