// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package meta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// maxConversations bounds the people of one load.
const maxConversations = 1000

// Load is what people write.
type Load struct {
	// Name is part of the messages' ids and texts: two loads of one name would write the same messages.
	Name          string `json:"name"`
	PhoneNumberID string `json:"phoneNumberID"`
	// Conversations is how many people write. Each waits for the acknowledgement of a message before the next, so that
	// the order of a conversation is known.
	Conversations int `json:"conversations"`
	// EveryMilliseconds is how often each of them writes.
	EveryMilliseconds int `json:"everyMilliseconds"`
}

// Message is one that was acknowledged.
type Message struct {
	ID string `json:"id"`
	// Person is the wa_id of who wrote.
	Person string `json:"person"`
	// Attempts is how often it was delivered.
	Attempts int `json:"attempts"`
}

// Report tells how far a load is, and of the statuses of all that was ever sent.
type Report struct {
	// Running is true until every message is acknowledged after the load was ended.
	Running bool `json:"running"`
	// Messages were answered 200, in that order.
	Messages []Message `json:"messages"`
	// Refusals counts the other answers by their status; a broken or refused connection is NoAnswer.
	Refusals map[string]int `json:"refusals"`
	// Unanswered tells of those with no answer, if there were any.
	Unanswered Unanswered `json:"unanswered"`
	// Statuses counts what Meta told of messages.
	Statuses Statuses `json:"statuses"`
}

// NoAnswer is the refusal of whoever did not answer.
const NoAnswer = "no answer"

// Unanswered are deliveries that were not answered: when the first and the last of them failed, and why the last did.
type Unanswered struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason"`
}

// Statuses are counts of status deliveries: answered 200, still to be, and given up because too many waited.
type Statuses struct {
	Posted  int `json:"posted"`
	Waiting int `json:"waiting"`
	Dropped int `json:"dropped"`
}

type load struct {
	Load
	ended chan struct{} // closed when nobody shall write any more

	mu       sync.Mutex
	writing  int
	stopped  bool
	messages []Message
	refusals map[string]int
	silence  Unanswered
}

// Start begins a load. One must have ended before the next begins.
func (m *Meta) Start(ctx context.Context, wanted Load) error {
	switch {
	case wanted.Name == "" || wanted.PhoneNumberID == "":
		return errors.New("a load needs a name and a phoneNumberID")
	case wanted.Conversations < 1 || wanted.Conversations > maxConversations:
		return fmt.Errorf("conversations is %d; it must be 1 to %d", wanted.Conversations, maxConversations)
	case wanted.EveryMilliseconds < 1:
		return fmt.Errorf("everyMilliseconds is %d; it must be at least 1", wanted.EveryMilliseconds)
	case m.Callback().URL == "":
		return errors.New("there is no callback to deliver to")
	}

	l := &load{
		Load:     wanted,
		ended:    make(chan struct{}),
		writing:  wanted.Conversations,
		refusals: map[string]int{},
	}

	m.mu.Lock()
	if m.current != nil && m.current.runs() {
		m.mu.Unlock()
		return fmt.Errorf("the load %q has not ended yet", m.current.Name)
	}

	m.current = l
	m.mu.Unlock()

	select {
	case m.loads <- l:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("nothing delivers: %w", ctx.Err())
	}
}

// End lets nobody write any more. What was written is still delivered.
func (m *Meta) End() {
	if l := m.load(); l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()

		if !l.stopped {
			l.stopped = true
			close(l.ended)
		}
	}
}

// Report tells of the newest load.
func (m *Meta) Report() Report {
	var r Report
	if l := m.load(); l != nil {
		l.mu.Lock()
		r.Running = l.writing > 0
		r.Messages = slices.Clone(l.messages)
		r.Refusals = maps.Clone(l.refusals)
		r.Unanswered = l.silence
		l.mu.Unlock()
	}

	m.mu.Lock()
	defer m.mu.Unlock()

	r.Statuses = Statuses{
		Posted:  m.posted,
		Waiting: m.waiting,
		Dropped: m.dropped,
	}

	return r
}

func (m *Meta) load() *load {
	m.mu.Lock()
	defer m.mu.Unlock()

	return m.current
}

func (l *load) runs() bool {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.writing > 0
}

// write is one person, who writes until the load ends.
func (m *Meta) write(ctx context.Context, l *load, person int) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()

		l.writing--
	}()

	waID := fmt.Sprintf("57300%07d", person)

	tick := time.NewTicker(time.Duration(l.EveryMilliseconds) * time.Millisecond)
	defer tick.Stop()

	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-l.ended:
			return
		case <-tick.C:
		}

		text := fmt.Sprintf("%s %d of %d", l.Name, n, person)
		id := standin.Wamid(text)
		body := standin.TextDelivery(l.PhoneNumberID, waID, fmt.Sprint("Person ", person), id, text, time.Now())

		attempts, acknowledged := m.deliver(ctx, body, func(answer string, reason error) {
			l.mu.Lock()
			defer l.mu.Unlock()

			l.refusals[answer]++
			if reason != nil {
				l.silence.To = time.Now()

				l.silence.Reason = reason.Error()
				if l.refusals[NoAnswer] == 1 {
					l.silence.From = l.silence.To
				}
			}
		})
		if !acknowledged {
			return
		}

		l.mu.Lock()
		l.messages = append(l.messages, Message{
			ID:       id,
			Person:   waID,
			Attempts: attempts,
		})
		l.mu.Unlock()
	}
}
