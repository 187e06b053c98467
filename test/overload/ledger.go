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

// ledger is what the world saw of each message.
type ledger struct {
	taken        []atomic.Bool  // answered 200
	answers      []atomic.Int32 // that Meta accepted for the person
	written      atomic.Int64   // one more than the last message of which a delivery was begun
	acknowledged atomic.Int64   // messages that were answered 200
	refused      atomic.Int64   // deliveries that were answered 503 with Retry-After
	strange      atomic.Int64   // answers to what nobody wrote
}

func newLedger() *ledger {
	return &ledger{taken: make([]atomic.Bool, maxMessages), answers: make([]atomic.Int32, maxMessages)}
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
	if !l.taken[message].Swap(true) {
		l.acknowledged.Add(1)
	}
}

func (l *ledger) answer(m standin.SentMessage) {
	message := messageOf(m.ContextID)
	if message < 0 || message >= maxMessages {
		l.strange.Add(1)
		return
	}

	l.answers[message].Add(1)
}

// untaken are the messages that were not answered 200.
func (l *ledger) untaken() iter.Seq[int] {
	return func(yield func(int) bool) {
		for message := range int(l.written.Load()) {
			if !l.taken[message].Load() && !yield(message) {
				return
			}
		}
	}
}

// audit is the ledger held against the store.
type audit struct {
	acknowledged int
	lost         int // acknowledged, and not in the store
	unworked     int // in the store, and not done
	unanswered   int // acknowledged, and the person has no answer
	twice        int // answers too many, to anybody
}

func (a audit) String() string {
	return fmt.Sprintf("%d lost, %d not worked, %d unanswered, %d answered again", a.lost, a.unworked, a.unanswered, a.twice)
}

// audit looks up every message that was answered 200 in a store that no receiver works on.
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
					a.unworked++
				}
				mu.Unlock()
			}
		})
	}

	for message := range int(l.written.Load()) {
		answers := int(l.answers[message].Load())
		a.twice += max(answers-1, 0)

		if !l.taken[message].Load() {
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
		return a, fmt.Errorf("look up what was answered 200: %d failures, the first: %w", len(errs), errs[0])
	}

	return a, nil
}
