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

// maxConversations bounds the conversations of one load.
const maxConversations = 1000

// Load describes the messages that people write.
type Load struct {
	// Name is part of the messages' ids and texts: two loads of the same name write the same messages.
	Name string `json:"name"`
	// PhoneNumberID is the business number that people write to.
	PhoneNumberID string `json:"phoneNumberID"`
	// Conversations is how many people write. Each waits until a message is acknowledged before writing the next, which
	// fixes the order of a conversation.
	Conversations int `json:"conversations"`
	// EveryMilliseconds is the interval at which each person writes.
	EveryMilliseconds int `json:"everyMilliseconds"`
}

// Message is an acknowledged message.
type Message struct {
	// ID is its wamid.
	ID string `json:"id"`
	// Person is the wa_id of the sender.
	Person string `json:"person"`
	// Attempts is how often it was delivered.
	Attempts int `json:"attempts"`
}

// Report describes the progress of a load, and the statuses of all messages sent so far.
type Report struct {
	// Running is false once the load was ended and every message is acknowledged.
	Running bool `json:"running"`
	// Messages are the acknowledged messages, in the order of their acknowledgement.
	Messages []Message `json:"messages"`
	// Refusals counts the answers other than 200 by status, and deliveries without an answer as NoAnswer.
	Refusals map[string]int `json:"refusals"`
	// Unanswered describes the deliveries without an answer, if there were any.
	Unanswered Unanswered `json:"unanswered"`
	// Statuses counts the status deliveries.
	Statuses Statuses `json:"statuses"`
}

// NoAnswer is the key in Report.Refusals of deliveries without an answer.
const NoAnswer = "no answer"

// Unanswered describes the deliveries that got no answer.
type Unanswered struct {
	// From and To are when the first and the last of them failed.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Reason is the error of the last.
	Reason string `json:"reason"`
}

// Statuses counts status deliveries.
type Statuses struct {
	// Posted were answered 200.
	Posted int `json:"posted"`
	// Waiting are queued.
	Waiting int `json:"waiting"`
	// Dropped did not fit into the queue.
	Dropped int `json:"dropped"`
}

type load struct {
	Load
	ended chan struct{} // closed when people stop writing

	mu         sync.Mutex
	writing    int
	stopped    bool
	messages   []Message
	refusals   map[string]int
	unanswered Unanswered
}

// Start starts a load. It returns an error while an earlier load runs.
func (m *Meta) Start(ctx context.Context, wanted Load) error {
	switch {
	case wanted.Name == "" || wanted.PhoneNumberID == "":
		return errors.New("a load needs a name and a phoneNumberID")
	case wanted.Conversations < 1 || wanted.Conversations > maxConversations:
		return fmt.Errorf("conversations is %d; it must be 1 to %d", wanted.Conversations, maxConversations)
	case wanted.EveryMilliseconds < 1:
		return fmt.Errorf("everyMilliseconds is %d; it must be at least 1", wanted.EveryMilliseconds)
	case m.Callback().URL == "":
		return errors.New("no callback is set")
	}

	l := &load{
		Load:     wanted,
		ended:    make(chan struct{}),
		writing:  wanted.Conversations,
		refusals: map[string]int{},
	}

	m.mu.Lock()
	if m.current != nil && m.current.running() {
		m.mu.Unlock()
		return fmt.Errorf("the load %q is still running", m.current.Name)
	}

	m.current = l
	m.mu.Unlock()

	select {
	case m.loads <- l:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("start the load: %w", ctx.Err())
	}
}

// End stops the load: people write no more messages. Messages already written are still delivered.
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

// Report returns the state of the newest load.
func (m *Meta) Report() Report {
	var r Report
	if l := m.load(); l != nil {
		l.mu.Lock()
		r.Running = l.writing > 0
		r.Messages = slices.Clone(l.messages)
		r.Refusals = maps.Clone(l.refusals)
		r.Unanswered = l.unanswered
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

func (l *load) running() bool {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.writing > 0
}

// write writes the messages of one person until the load ends.
func (m *Meta) write(ctx context.Context, l *load, person int) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()

		l.writing--
	}()

	waID := fmt.Sprintf("57300%07d", person)

	tick := m.Clock.NewTicker(time.Duration(l.EveryMilliseconds) * time.Millisecond)
	defer tick.Stop()

	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-l.ended:
			return
		case <-tick.Chan():
		}

		text := fmt.Sprintf("%s %d of %d", l.Name, n, person)
		id := standin.Wamid(text)
		name := fmt.Sprint("Person ", person)
		body := standin.TextDelivery(l.PhoneNumberID, waID, name, id, text, m.Clock.Now())

		attempts, acknowledged := m.deliver(ctx, body, func(answer string, reason error) {
			l.recordRefusal(answer, reason, m.Clock.Now())
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

// recordRefusal counts an answer other than 200. The reason is nil unless the answer is NoAnswer.
func (l *load) recordRefusal(answer string, reason error, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()

	l.refusals[answer]++

	if reason == nil {
		return
	}

	l.unanswered.To = now
	l.unanswered.Reason = reason.Error()

	if l.refusals[NoAnswer] == 1 {
		l.unanswered.From = now
	}
}
