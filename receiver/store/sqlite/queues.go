// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// commitDelay is how long a deferrable call waits for others to share its transaction with.
const commitDelay = 4 * time.Millisecond

// queues are the calls that wait for the writer. Deliveries go first, since Meta waits for them, and processing is work for
// later. They leave a quarter of each batch to the other calls, so that processing goes on however many arrive.
//
// A transaction costs more than the call in it. So a call whose outcome delays nothing is deferrable: alone, it waits for
// another call, to share its transaction.
type queues struct {
	deliveries, steps, deferrable *groupcommit.Queue[func(*tx) error]

	wait time.Duration // of a deferrable call that is alone
	held *operation    // a deferrable call that has waited and was not returned yet
}

func newQueues(size int) *queues {
	return &queues{
		deliveries: groupcommit.New[func(*tx) error](size),
		steps:      groupcommit.New[func(*tx) error](size),
		deferrable: groupcommit.New[func(*tx) error](size),
		wait:       commitDelay,
	}
}

func (q *queues) close() {
	q.deliveries.Close()
	q.steps.Close()
	q.deferrable.Close()
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
	case op := <-q.deferrable.Calls():
		if op != nil {
			return q.linger(op)
		}
	}

	for _, queue := range [...]*groupcommit.Queue[func(*tx) error]{q.deliveries, q.steps, q.deferrable} { // they are closed
		if op := <-queue.Calls(); op != nil {
			return op
		}
	}

	return nil
}

// linger waits for a call that does not wait itself, and returns it. If none comes in time, it returns the deferrable call.
func (q *queues) linger(deferrable *operation) *operation {
	timer := time.NewTimer(q.wait)
	defer timer.Stop()

	var first *operation

	select {
	case first = <-q.deliveries.Calls():
	case first = <-q.steps.Calls():
	case <-timer.C:
	}

	if first == nil {
		return deferrable
	}

	q.held = deferrable

	return first
}

// next returns a waiting call, or nil if none waits. Unless the batch is late, deliveries go first.
func (q *queues) next(isLate bool) *operation {
	if op := q.takeHeld(); op != nil {
		return op
	}

	order := [...]*groupcommit.Queue[func(*tx) error]{q.deliveries, q.steps, q.deferrable}
	if isLate {
		order = [...]*groupcommit.Queue[func(*tx) error]{q.steps, q.deferrable, q.deliveries}
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
	op := q.held
	q.held = nil

	return op
}
