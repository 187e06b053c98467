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
func submit(t *testing.T, lines ...*groupcommit.Queue[func(*tx) error]) []*operation {
	t.Helper()

	var ops []*operation
	for _, line := range lines {
		op, err := line.Submit(func(*tx) error { return nil })
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
		l := newLines(4)
		ops := submit(t, l.patient, l.steps, l.deliveries)

		var got []int
		for op := l.next(tc.isLate); op != nil; op = l.next(tc.isLate) {
			got = append(got, slices.Index(ops, op))
		}

		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: the order is %v, want %v", name, got, tc.want)
		}
	}
}

// A patient call that is alone waits for another, which takes it along.
func TestPatientCallWaitsForCompany(t *testing.T) {
	l := newLines(4)
	l.wait = time.Hour
	patient := submit(t, l.patient)[0]
	first := make(chan *operation)

	go func() { first <- l.first() }()

	for l.patient.Len() > 0 { // until it was taken, and waits
		runtime.Gosched()
	}

	delivery := submit(t, l.deliveries)[0]
	if got := <-first; got != delivery {
		t.Error("the delivery is not the first of the batch")
	}

	if got := l.next(false); got != patient {
		t.Error("the delivery did not take the patient call along")
	}
}

func TestPatientCallDoesNotWaitForLong(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))
	if err := s.writer.doPatiently(t.Context(), storing(1)); err != nil {
		t.Error(err)
	}

	if n := pending(t, s); n != 1 {
		t.Errorf("%d events are pending, want 1", n)
	}
}

func TestClosedLinesReturnWhatWaits(t *testing.T) {
	l := newLines(4)
	l.wait = time.Hour
	submit(t, l.patient, l.deliveries, l.steps, l.patient)
	l.close()

	n := 0
	for l.first() != nil {
		n++
	}

	if n != 4 {
		t.Errorf("%d calls were returned, want 4", n)
	}
}
