// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// submit queues calls, and returns them in their order.
func submit(t *testing.T, queues ...*groupcommit.Queue[func(*tx) error]) []*operation {
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
		"early": {want: []int{2, 1, 0}},
		"late":  {isLate: true, want: []int{1, 0, 2}},
	} {
		q := newQueues(4)
		ops := submit(t, q.deferrable, q.steps, q.deliveries)

		var got []int
		for op := q.next(tc.isLate); op != nil; op = q.next(tc.isLate) {
			got = append(got, slices.Index(ops, op))
		}

		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: the order is %v, want %v", name, got, tc.want)
		}
	}
}

// A deferrable call that is alone waits for another, and shares its transaction.
func TestDeferrableCallIsTakenAlong(t *testing.T) {
	q := newQueues(4)
	q.wait = time.Hour
	deferrable := submit(t, q.deferrable)[0]
	first := make(chan *operation)

	go func() { first <- q.first() }()

	for q.deferrable.Len() > 0 { // until it was taken, and waits
		runtime.Gosched()
	}

	delivery := submit(t, q.deliveries)[0]
	if got := <-first; got != delivery {
		t.Error("the delivery is not the first of the batch")
	}

	if got := q.next(false); got != deferrable {
		t.Error("the delivery did not take the deferrable call along")
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
	q.wait = time.Hour
	submit(t, q.deferrable, q.deliveries, q.steps, q.deferrable)
	q.close()

	n := 0
	for q.first() != nil {
		n++
	}

	if n != 4 {
		t.Errorf("%d calls were returned, want 4", n)
	}
}
