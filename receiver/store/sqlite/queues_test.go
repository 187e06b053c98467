// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// submit queues calls, and returns them in their order.
func submit(t *testing.T, queues ...*calls) []*operation {
	t.Helper()

	var ops []*operation
	for _, queue := range queues {
		op, err := queue.Submit(func(*tx) error { return nil })
		if err != nil {
			t.Fatal(err)
		}

		ops = append(ops, op)
	}

	return ops
}

func TestDeliveriesGoFirstUnlessTheBatchIsLate(t *testing.T) {
	for name, tc := range map[string]struct {
		isLate bool
		want   []int
	}{
		"early": {want: []int{3, 2, 1, 0}},
		"late":  {isLate: true, want: []int{1, 0, 3, 2}},
	} {
		q := newQueues(4)
		ops := submit(t, q.deferrable, q.steps, q.deferrableDeliveries, q.deliveries)

		var got []int
		for op := q.next(tc.isLate); op != nil; op = q.next(tc.isLate) {
			got = append(got, slices.Index(ops, op))
		}

		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: the order is %v, want %v", name, got, tc.want)
		}
	}
}

// Deferrable calls wait for another call, and share its transaction.
func TestDeferrableCallsAreTakenAlong(t *testing.T) {
	q := newQueues(4)
	q.spacing = time.Hour
	deferrable := submit(t, q.deferrable, q.deferrableDeliveries, q.deferrable)
	first := make(chan *operation)

	go func() { first <- q.first() }()

	for q.deferrable.Len()+q.deferrableDeliveries.Len() > 0 { // until they were taken, and wait
		runtime.Gosched()
	}

	batch := slices.Concat(deferrable, submit(t, q.deliveries))
	for got := <-first; got != nil; got = q.next(false) {
		batch = slices.DeleteFunc(batch, func(op *operation) bool { return op == got })
	}

	if len(batch) != 0 {
		t.Errorf("%d calls are not in the transaction of the delivery", len(batch))
	}
}

// A delivery goes before the steps that wait for the same transaction.
func TestDeliveriesGoBeforeHeldSteps(t *testing.T) {
	q := newQueues(4)
	q.spacing = time.Hour
	q.began = time.Now()
	q.end(2)

	first := make(chan *operation)

	go func() { first <- q.first() }()

	submit(t, q.steps, q.steps, q.deferrable)

	for q.steps.Len()+q.deferrable.Len() > 0 { // until they were taken, and wait
		runtime.Gosched()
	}

	delivery := submit(t, q.deliveries)[0]

	q.close()

	if got := <-first; got != delivery {
		t.Error("a step goes before the delivery")
	}
}

func TestCallWithoutOthersDoesNotWait(t *testing.T) {
	q := newQueues(4)
	q.spacing = time.Hour

	for range 3 {
		call := submit(t, q.steps)[0]
		if got := q.first(); got != call {
			t.Fatal("another call was returned")
		}

		q.end(1)
	}
}

// While calls share transactions, the next one waits for the spacing, or for enough calls.
func TestTransactionsOfManyCallsAreSpaced(t *testing.T) {
	q := newQueues(maxCollected)
	q.spacing = time.Hour
	submit(t, q.deliveries, q.steps)

	first := q.first()
	second := q.next(false)

	if first == nil || second == nil {
		t.Fatal("the waiting calls are not in one transaction")
	}

	q.end(2)

	next := make(chan *operation)

	go func() { next <- q.first() }()

	submit(t, q.deliveries)

	for q.deliveries.Len() > 0 { // until it was taken, and waits
		runtime.Gosched()
	}

	select {
	case <-next:
		t.Error("the next transaction began before the spacing")
	default:
	}

	for range maxCollected - 1 {
		submit(t, q.steps)
	}

	n := 0
	for op := <-next; op != nil; op = q.next(false) {
		n++
	}

	if n != maxCollected {
		t.Errorf("%d calls are in the next transaction, want %d", n, maxCollected)
	}
}

// Enough deferrable calls are company for each other.
func TestManyDeferrableCallsDoNotWait(t *testing.T) {
	q := newQueues(maxCollected)
	q.spacing = time.Hour

	for range maxCollected {
		submit(t, q.deferrable)
	}

	n := 0
	for op := q.first(); op != nil; op = q.next(false) {
		n++
	}

	if n != maxCollected {
		t.Errorf("%d calls were returned, want %d", n, maxCollected)
	}
}

func TestDeferrableCallIsRunAlone(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))
	if err := s.writer.doDeferrable(t.Context(), storing(1)); err != nil {
		t.Error(err)
	}

	if n := pending(t, s); n != 1 {
		t.Errorf("%d events are pending, want 1", n)
	}
}

func TestClosedQueuesReturnTheirCalls(t *testing.T) {
	q := newQueues(4)
	q.spacing = time.Hour
	submit(t, q.deferrable, q.deliveries, q.steps, q.deferrable, q.deferrableDeliveries)
	q.close()

	n := 0
	for q.first() != nil {
		n++
	}

	if n != 5 {
		t.Errorf("%d calls were returned, want 5", n)
	}
}
