// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// commitDelay is how long a deferrable call waits for others to share its transaction with.
const commitDelay = 4 * time.Millisecond

// maxHeld is the number of deferrable calls that are company enough: they wait no longer.
const maxHeld = 64

// calls is a queue of operations.
type calls = groupcommit.Queue[func(*tx) error]

// queues are the calls that wait for the writer. Deliveries go first, since Meta waits for them, and processing is work for
// later. They leave a quarter of each batch to the other calls, so that processing goes on however many arrive.
//
// A transaction costs more than the call in it. So a call whose outcome delays no person is deferrable: it waits for other
// calls, to share their transaction.
type queues struct {
	deliveries, deferrableDeliveries *calls
	steps, deferrable                *calls

	early, late []*calls // the order in which a batch takes the calls

	wait time.Duration // of deferrable calls without others
	held []*operation  // deferrable calls that have waited and were not returned yet
}

func newQueues(size int) *queues {
	q := &queues{
		deliveries:           groupcommit.New[func(*tx) error](size),
		deferrableDeliveries: groupcommit.New[func(*tx) error](size),
		steps:                groupcommit.New[func(*tx) error](size),
		deferrable:           groupcommit.New[func(*tx) error](size),
		wait:                 commitDelay,
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

// first waits for a call and returns it. It returns nil after the last call, once the queues are closed.
func (q *queues) first() *operation {
	if op := q.takeHeld(); op != nil {
		return op
	}

	select {
	case op := <-q.deliveries.Calls():
		if op != nil {
			return op
		}
	case op := <-q.steps.Calls():
		if op != nil {
			return op
		}
	case op := <-q.deferrableDeliveries.Calls():
		if op != nil {
			return q.linger(op)
		}
	case op := <-q.deferrable.Calls():
		if op != nil {
			return q.linger(op)
		}
	}

	for _, queue := range q.early { // they are closed
		if op := <-queue.Calls(); op != nil {
			return op
		}
	}

	return nil
}

// linger waits for a call that does not wait itself, and returns it. If none comes in time, or enough deferrable calls have
// come, it returns the first of these. It holds the others.
func (q *queues) linger(deferrable *operation) *operation {
	timer := time.NewTimer(q.wait)
	defer timer.Stop()

	for q.held = append(q.held, deferrable); len(q.held) < maxHeld; {
		var op *operation

		select {
		case first := <-q.deliveries.Calls():
			return q.orHeld(first)
		case first := <-q.steps.Calls():
			return q.orHeld(first)
		case op = <-q.deferrableDeliveries.Calls():
		case op = <-q.deferrable.Calls():
		case <-timer.C:
		}

		if op == nil { // the wait is over, or the queues are closed
			break
		}

		q.held = append(q.held, op)
	}

	return q.takeHeld()
}

// orHeld returns a call, or one that is held if there is none, since the queues are closed.
func (q *queues) orHeld(op *operation) *operation {
	if op != nil {
		return op
	}

	return q.takeHeld()
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
