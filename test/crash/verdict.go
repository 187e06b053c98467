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

// recording is how long after Meta's answer a replica may need to make the send's outcome durable. One that is killed
// in between does not know it.
const recording = time.Second

// blocked is how much longer that takes while another replica is stalled, which may hold locks until the database gives
// its transaction up.
const blocked = 2 * time.Second

// maxListed bounds the violations that are told one by one.
const maxListed = 100

// ending is what the store holds when all is over.
type ending struct {
	Messages map[string]store.Record // by event
	Statuses map[string]string       // the furthest, by message
	Stats    store.Stats
}

// result is what a trial showed.
type result struct {
	trial   *trial
	happens figures

	offered, acknowledged, stored, answered int
	redeliveries                            int
	inFlight                                int // calls that were open when their replica was killed
	doubtful                                int // sends that Meta accepted and whose outcome the replica could not know
	proved                                  int // of those, told by a status in time and not repeated
	allowed, forbidden                      int // second replies
	takenOver                               int // of the allowed ones, those whose first send only a takeover put in doubt
	disorder, lost                          int
	seconds                                 float64

	repeats    []string // the second replies that are allowed
	violations []string
	more       int // violations beyond those that are listed
}

func (r *result) violate(format string, args ...any) {
	if len(r.violations) == maxListed {
		r.more++
		return
	}

	r.violations = append(r.violations, fmt.Sprintf(format, args...))
}

// judge holds what the world saw against what the store says.
func judge(t *trial, l *ledger, end *ending) *result {
	r := &result{
		trial:   t,
		happens: l.figures(),
		offered: len(l.messages),
		stored:  len(end.Messages),
	}
	for _, text := range l.strange {
		r.violate("%s", text)
	}

	r.judgeMessages(l, end)
	r.judgeSends(l)
	r.judgeStatuses(l, end)
	r.judgeOrder(l)

	if s := end.Stats; s.Pending+s.PendingStatuses+s.PendingNotices+s.DeadLetters+s.Quarantined > 0 {
		r.violate("at the end %d messages, %d statuses and %d notices are pending, %d dead letters, %d quarantined",
			s.Pending, s.PendingStatuses, s.PendingNotices, s.DeadLetters, s.Quarantined)
	}

	return r
}

func (m *message) String() string { return fmt.Sprintf("message %s (event %s)", m.Words, m.Event) }

// judgeMessages: what was acknowledged is stored and worked to its end, and nothing else is stored.
func (r *result) judgeMessages(l *ledger, end *ending) {
	replies := map[string]int{}
	for _, s := range l.accepted {
		replies[s.Callback]++
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
			if replies[fmt.Sprintf("%s:%d", m.Event, part)] == 0 {
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
			r.violate("event %s is stored, and nobody wrote it", event)
		}
	}
}

// judgeSends: each reply went to the person, with the words that Bird gave, and once, save one whose send was in doubt
// and of which no status told in time.
func (r *result) judgeSends(l *ledger) {
	sends := map[string][]*send{}
	for _, s := range l.accepted {
		m, part := l.part(s)
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
		if !slices.ContainsFunc(earlier, func(first *send) bool { return inDoubt(l, first) }) {
			r.takenOver++
		}
	}

	for _, same := range sends {
		for _, s := range same {
			if inDoubt(l, s) {
				r.doubtful++
				if len(same) == 1 && !s.Untold {
					r.proved++
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

// judgeStatuses: the furthest status of what was sent is kept, whatever the order in which Meta told them, and Bird was
// told of each.
func (r *result) judgeStatuses(l *ledger, end *ending) {
	for _, s := range l.accepted {
		if s.Untold {
			continue
		}

		if got := end.Statuses[s.Message]; got != "read" {
			r.violate("the reply %s was read, and the store has %q", s.Callback, got)
		}

		for _, status := range statuses {
			if !l.notified[s.Message+" "+status] {
				r.violate("Bird was not told that the reply %s is %s", s.Callback, status)
			}
		}
	}
}

// excused tells whether the receivers could not know of the first send when the second began. A replica whose work was
// taken over before it had recorded the answer, since the store made it wait for longer than its lease, knows of the send
// and cannot say so any more.
func (r *result) excused(l *ledger, first, second *send) bool {
	event, _, _ := whatsapp.ParseCallback(first.Callback)
	unknown := inDoubt(l, first) || l.takeovers[takeover{first.Replica, event}]
	// A second send that was decided on at the end of the window may begin a while after that, on a busy machine.
	return unknown && (first.Told == 0 || first.ToldAt.After(second.Began) || first.ToldAt.After(first.Began.Add(r.trial.window)))
}

// inDoubt tells whether the replica could not know what became of a send: it got no answer, or something happened to it
// before it could have made the answer durable.
func inDoubt(l *ledger, s *send) bool {
	return !s.Answered || len(l.hitting(s)) > 0
}

// hitting are the incidents that may have kept the replica from recording the send.
func (l *ledger) hitting(s *send) []occurrence {
	within := recording
	if slices.ContainsFunc(l.incidents, func(i occurrence) bool {
		return i.Kind == stalled && i.Replica != s.Replica && i.near(s, recording)
	}) {
		within += blocked
	}

	return slices.DeleteFunc(slices.Clone(l.incidents), func(i occurrence) bool { return i.Replica != s.Replica || !i.near(s, within) })
}

func (i occurrence) near(s *send, within time.Duration) bool {
	return !s.Began.After(i.To.Add(within)) && !s.Ended.Add(within).Before(i.From)
}

func describe(l *ledger, sends []*send) string {
	var text strings.Builder
	for _, s := range sends {
		fmt.Fprintf(&text, "\n    replica %d, %s to %s, answered: %t", s.Replica, clock(s.Began), clock(s.Ended), s.Answered)

		for _, i := range l.hitting(s) {
			fmt.Fprintf(&text, ", %s %s to %s", i.Kind, clock(i.From), clock(i.To))
		}

		if s.Told > 0 {
			fmt.Fprint(&text, ", told at ", clock(s.ToldAt))
		}
	}

	return text.String()
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }

// judgeOrder: of each person, Bird was asked and the replies were sent in the order of the messages. A reply that was
// sent again counts by its first time.
func (r *result) judgeOrder(l *ledger) {
	asked := map[int]int{}
	for _, m := range l.asked {
		if m.Number < asked[m.Person] {
			r.disorder++
			r.violate("Bird was asked about %s after message %d", m, asked[m.Person])
		}

		asked[m.Person] = max(asked[m.Person], m.Number)
	}

	type place struct{ number, part int }

	sent := map[int]place{}

	seen := map[string]bool{}
	for _, s := range l.accepted {
		m, part := l.part(s)
		if m == nil || seen[s.Callback] {
			continue
		}

		seen[s.Callback] = true

		last := sent[m.Person]
		if m.Number < last.number || (m.Number == last.number && part < last.part) {
			r.disorder++
			r.violate("reply %d to %s was sent after reply %d to message %d", part, m, last.part, last.number)

			continue
		}

		sent[m.Person] = place{m.Number, part}
	}
}
