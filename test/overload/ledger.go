// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// maxMessages bounds the messages of a scenario.
const maxMessages = 4 << 20

// ledger records the outcome of each message outside of the receiver.
type ledger struct {
	accepted     []atomic.Bool  // answered 200
	answers      []atomic.Int32 // that Meta accepted
	written      atomic.Int64   // one more than the last message that was delivered at least once
	acknowledged atomic.Int64   // messages that were answered 200
	refused      atomic.Int64   // deliveries that were answered 503 with Retry-After
	unexpected   atomic.Int64   // answers to unknown messages
}

func newLedger() *ledger {
	return &ledger{accepted: make([]atomic.Bool, maxMessages), answers: make([]atomic.Int32, maxMessages)}
}

func (l *ledger) write(message int) {
	for {
		before := l.written.Load()
		if int64(message) < before || l.written.CompareAndSwap(before, int64(message)+1) {
			return
		}
	}
}

func (l *ledger) acknowledge(message int) {
	if !l.accepted[message].Swap(true) {
		l.acknowledged.Add(1)
	}
}

func (l *ledger) answer(m standin.SentMessage) {
	message := messageOf(m.ContextID)
	if message < 0 || message >= maxMessages {
		l.unexpected.Add(1)
		return
	}

	l.answers[message].Add(1)
}

// unacknowledged yields the messages that were not answered 200.
func (l *ledger) unacknowledged() iter.Seq[int] {
	return func(yield func(int) bool) {
		for message := range int(l.written.Load()) {
			if !l.accepted[message].Load() && !yield(message) {
				return
			}
		}
	}
}

// audit is the comparison of the ledger with the store.
type audit struct {
	acknowledged int
	lost         int // acknowledged, and not in the store
	unprocessed  int // in the store, and not done
	unanswered   int // acknowledged, and the person has no answer
	duplicates   int // surplus answers
}

func (a audit) String() string {
	return fmt.Sprintf("%d lost, %d not processed, %d unanswered, %d answered twice", a.lost, a.unprocessed, a.unanswered, a.duplicates)
}

// audit looks up every acknowledged message in the store of a receiver that has ended.
func (l *ledger) audit(ctx context.Context, inbox store.Store) (audit, error) {
	var (
		a    audit
		mu   sync.Mutex
		errs []error
	)

	messages := make(chan int)

	var readers sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		readers.Go(func() {
			for message := range messages {
				record, err := inbox.Get(ctx, eventID(message))

				mu.Lock()
				switch {
				case errors.Is(err, store.ErrNotFound):
					a.lost++
				case err != nil:
					errs = append(errs, err)
				case record.Event.State != store.Done:
					a.unprocessed++
				}
				mu.Unlock()
			}
		})
	}

	for message := range int(l.written.Load()) {
		answers := int(l.answers[message].Load())
		a.duplicates += max(answers-1, 0)

		if !l.accepted[message].Load() {
			continue
		}

		a.acknowledged++
		if answers == 0 {
			a.unanswered++
		}

		messages <- message
	}

	close(messages)
	readers.Wait()

	if len(errs) > 0 {
		return a, fmt.Errorf("look up acknowledged messages: %d failures, the first: %w", len(errs), errs[0])
	}

	return a, nil
}
