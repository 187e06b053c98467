// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// commitSpacing is the least time between the beginnings of two transactions while calls arrive faster than that, and the time
// that a deferrable call waits for others. It is short beside the time that an AI needs for an answer.
const commitSpacing = 4 * time.Millisecond

// maxHeld is the number of waiting calls with which a transaction begins at once.
const maxHeld = 64

// calls is a queue of operations.
type calls = groupcommit.Queue[func(*tx) error]

// queues are the calls that wait for the writer. Deliveries go first, since Meta waits for them, and processing is work for
// later. They leave a quarter of each batch to the other calls, so that processing goes on however many arrive.
//
// A transaction costs more than the calls in it. So while calls share transactions, each begins a while after the one before it,
// and a call whose outcome delays no person is deferrable: it waits for other calls even on a quiet store.
type queues struct {
	deliveries, deferrableDeliveries *calls
	steps, deferrable                *calls

	early, late []*calls // the order in which a batch takes the calls

	spacing time.Duration
	began   time.Time    // of the transaction before
	shared  bool         // whether that had several calls
	held    []*operation // calls that have waited for the transaction and are not in it yet
}

func newQueues(size int) *queues {
	q := &queues{
		deliveries:           groupcommit.New[func(*tx) error](size),
		deferrableDeliveries: groupcommit.New[func(*tx) error](size),
		steps:                groupcommit.New[func(*tx) error](size),
		deferrable:           groupcommit.New[func(*tx) error](size),
		spacing:              commitSpacing,
	}
	q.early = []*calls{q.deliveries, q.deferrableDeliveries, q.steps, q.deferrable}
	q.late = []*calls{q.steps, q.deferrable, q.deliveries, q.deferrableDeliveries}

	return q
}

func (q *queues) close() {
	for _, queue := range q.early {
		queue.Close()
	}
}

// first waits for a call and for the time of the next transaction, and returns the call. It returns nil after the last call,
// once the queues are closed.
func (q *queues) first() *operation {
	if len(q.held) == 0 {
		q.gather()
	}

	q.began = time.Now()

	return q.takeHeld()
}

// end records the number of calls of a transaction.
func (q *queues) end(calls int) { q.shared = calls > 1 }

// gather waits for a call, holds it, and holds further ones until a transaction may begin.
func (q *queues) gather() {
	op, isDeferrable := q.receive(nil)
	if op == nil { // the queues are closed
		q.held = append(q.held, q.rest()...)

		return
	}

	q.held = append(q.held, op)
	q.linger(isDeferrable)
}

// linger holds further calls until a transaction may begin: after the spacing, or with enough calls. Deferrable calls alone wait
// for the spacing from now.
func (q *queues) linger(isDeferrable bool) {
	wait := q.remaining()
	if isDeferrable {
		wait = q.spacing
	}

	if wait <= 0 {
		return
	}

	timer := time.NewTimer(wait)
	defer timer.Stop()

	for len(q.held) < maxHeld {
		op, mayWait := q.receive(timer.C)
		if op == nil { // the wait is over, or the queues are closed
			return
		}

		q.held = append(q.held, op)

		if isDeferrable && !mayWait {
			isDeferrable = false

			timer.Reset(q.remaining())
		}
	}
}

// receive waits for a call, and returns it and whether it is deferrable. It returns nil if expired delivers first, or if the
// queues are closed.
func (q *queues) receive(expired <-chan time.Time) (op *operation, isDeferrable bool) {
	select {
	case op = <-q.deliveries.Calls():
		return op, false
	case op = <-q.steps.Calls():
		return op, false
	case op = <-q.deferrableDeliveries.Calls():
		return op, true
	case op = <-q.deferrable.Calls():
		return op, true
	case <-expired:
		return nil, false
	}
}

// remaining returns the time until a transaction with other than deferrable calls may begin.
func (q *queues) remaining() time.Duration {
	if !q.shared {
		return 0
	}

	return q.spacing - time.Since(q.began)
}

// rest returns the calls of closed queues.
func (q *queues) rest() []*operation {
	var rest []*operation
	for _, queue := range q.early {
		for op := range queue.Calls() {
			rest = append(rest, op)
		}
	}

	return rest
}

// next returns a waiting call, or nil if none waits. Unless the batch is late, deliveries go first.
func (q *queues) next(isLate bool) *operation {
	if op := q.takeHeld(); op != nil {
		return op
	}

	order := q.early
	if isLate {
		order = q.late
	}

	for _, queue := range order {
		select {
		case op := <-queue.Calls():
			if op != nil {
				return op
			}
		default:
		}
	}

	return nil
}

func (q *queues) takeHeld() *operation {
	if len(q.held) == 0 {
		return nil
	}

	op := q.held[0]
	q.held = slices.Delete(q.held, 0, 1)

	return op
}
