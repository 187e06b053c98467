// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package groupcommit_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errEven = errors.New("even")

// work finishes the calls of a queue until it is closed. Calls with an even value fail.
func work(q *groupcommit.Queue[int], ran func(int)) {
	for c := range q.Calls() {
		if !c.Take() {
			continue
		}

		ran(c.Value)

		if c.Value%2 == 0 {
			c.Err = errEven
		}

		c.Finish()
	}
}

func TestEachCallRunsOnceAndReturnsItsOutcome(t *testing.T) {
	q := groupcommit.New[int](1000)

	var (
		ran     [1000]atomic.Int64
		worker  sync.WaitGroup
		callers sync.WaitGroup
	)

	worker.Go(func() { work(q, func(n int) { ran[n].Add(1) }) })

	for n := range ran {
		callers.Go(func() {
			do := q.Do
			if n%3 == 0 {
				do = q.DoNoWait
			}

			if err := do(t.Context(), n); (err != nil) != (n%2 == 0) || err != nil && !errors.Is(err, errEven) {
				t.Errorf("call %d returned %v", n, err)
			}
		})
	}

	callers.Wait()
	q.Close()
	worker.Wait()

	for n := range ran {
		if times := ran[n].Load(); times != 1 {
			t.Errorf("call %d ran %d times, want once", n, times)
		}
	}
}

func TestFullQueueIsBusy(t *testing.T) {
	q := groupcommit.New[int](1)

	if _, err := q.Submit(1); err != nil {
		t.Fatal(err)
	}

	if err := q.Do(t.Context(), 3); !errors.Is(err, store.ErrBusy) {
		t.Errorf("Do returned %v, want ErrBusy", err)
	}

	<-q.Calls()

	if _, err := q.Submit(3); err != nil {
		t.Errorf("Submit after the queue has room: %v", err)
	}
}

func TestCloseRunsAcceptedCallsAndRefusesOthers(t *testing.T) {
	q := groupcommit.New[int](2)

	var calls []*groupcommit.Call[int]

	for n := range 2 {
		c, err := q.Submit(n)
		if err != nil {
			t.Fatal(err)
		}

		calls = append(calls, c)
	}

	q.Close()
	q.Close()

	if err := q.DoNoWait(t.Context(), 5); !errors.Is(err, store.ErrClosed) {
		t.Errorf("DoNoWait returned %v, want ErrClosed", err)
	}

	work(q, func(int) {})

	for n, c := range calls {
		<-c.Done()

		if (c.Err != nil) != (n%2 == 0) {
			t.Errorf("call %d returned %v", n, c.Err)
		}
	}
}

// Callers must never send to the closed channel, and every accepted call must be finished.
func TestCloseWhileCallsArrive(t *testing.T) {
	q := groupcommit.New[int](64)

	var (
		worker, callers sync.WaitGroup
		ran             atomic.Int64
		succeeded       atomic.Int64
	)

	worker.Go(func() { work(q, func(int) { ran.Add(1) }) })

	for range 8 {
		callers.Go(func() {
			for {
				switch err := q.Do(t.Context(), 1); {
				case err == nil:
					succeeded.Add(1)
				case errors.Is(err, store.ErrClosed):
					return
				case !errors.Is(err, store.ErrBusy):
					t.Errorf("Do returned %v", err)
					return
				}

				if succeeded.Load() > 100 {
					q.Close()
				}
			}
		})
	}

	callers.Wait()
	worker.Wait()

	if ran.Load() != succeeded.Load() {
		t.Errorf("%d calls ran and %d succeeded", ran.Load(), succeeded.Load())
	}
}

func TestCallIsWithdrawnWhenContextEndsBeforeItIsTaken(t *testing.T) {
	q := groupcommit.New[int](1)

	for name, do := range map[string]func(context.Context, int) error{"Do": q.Do, "DoNoWait": q.DoNoWait} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)

		go func() { ended <- do(ctx, 1) }()

		c := <-q.Calls()

		cancel()

		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s returned %v, want context.Canceled", name, err)
		}

		if c.Take() {
			t.Errorf("%s: the worker took a withdrawn call", name)
		}
	}
}

func TestContextThatHasEndedQueuesNothing(t *testing.T) {
	q := groupcommit.New[int](1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	if err := q.Do(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Do returned %v, want context.Canceled", err)
	}

	if n := q.Len(); n != 0 {
		t.Errorf("%d calls wait, want none", n)
	}
}

func TestTakenCallWhoseContextEnds(t *testing.T) {
	q := groupcommit.New[int](1)
	take := func() *groupcommit.Call[int] {
		c := <-q.Calls()
		if !c.Take() {
			t.Error("the call was withdrawn")
		}

		return c
	}

	t.Run("Do waits for the outcome", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)

		go func() { ended <- q.Do(ctx, 1) }()

		c := take()

		cancel()

		c.Err = errEven
		c.Finish()

		if err := <-ended; !errors.Is(err, errEven) {
			t.Errorf("Do returned %v, want the outcome of the call", err)
		}
	})

	t.Run("DoNoWait returns", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)

		go func() { ended <- q.DoNoWait(ctx, 1) }()

		c := take()

		cancel()

		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("DoNoWait returned %v, want context.Canceled", err)
		}

		c.Finish()
	})
}
