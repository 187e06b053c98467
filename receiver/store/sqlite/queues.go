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

// maxCollected is the number of waiting calls with which a transaction begins at once.
const maxCollected = 64

// calls is a queue of operations.
type calls struct {
	*groupcommit.Queue[func(*tx) error]

	isDeferrable bool
	held         []*operation // received before their transaction may begin
}

func newCalls(size int, isDeferrable bool) *calls {
	return &calls{
		Queue:        groupcommit.New[func(*tx) error](size),
		isDeferrable: isDeferrable,
	}
}

// take returns a waiting call, or nil if none waits.
func (c *calls) take() *operation {
	if len(c.held) > 0 {
		op := c.held[0]
		c.held = slices.Delete(c.held, 0, 1)

		return op
	}

	select {
	case op := <-c.Calls():
		return op
	default:
		return nil
	}
}

// queues are the queues of the calls for the writer. Deliveries come first, because Meta waits for them. They leave a quarter
// of each batch to the other calls, so processing continues under any load.
//
// A transaction costs more than its calls. While calls share transactions, the next transaction begins after a spacing. A call
// whose outcome delays no person is deferrable: it waits for other calls even if the store is idle.
type queues struct {
	deliveries, deferrableDeliveries *calls
	steps, deferrable                *calls

	early, late []*calls // the order in which a batch takes the calls

	spacing time.Duration
	began   time.Time // of the transaction before
	shared  bool      // whether that had several calls
}

func newQueues(size int) *queues {
	q := &queues{
		deliveries:           newCalls(size, false),
		deferrableDeliveries: newCalls(size, true),
		steps:                newCalls(size, false),
		deferrable:           newCalls(size, true),
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

// first waits for a call and for the time of the next transaction, and returns the call that goes first. It returns nil after
// the last call, once the queues are closed.
func (q *queues) first() *operation {
	if q.held() == 0 {
		q.collect()
	}

	q.began = time.Now()

	return q.next(false)
}

// end records the number of calls of a transaction.
func (q *queues) end(calls int) { q.shared = calls > 1 }

// held returns the number of held calls.
func (q *queues) held() int {
	n := 0
	for _, queue := range q.early {
		n += len(queue.held)
	}

	return n
}

// collect waits for a call, and takes further calls until a transaction may begin.
func (q *queues) collect() {
	queue := q.takeOne(nil)
	if queue == nil { // the queues are closed
		q.takeRest()

		return
	}

	q.collectMore(queue.isDeferrable)
}

// collectMore takes further calls until a transaction may begin: after the spacing, or with maxCollected calls. Deferrable
// calls alone wait for the spacing from now.
func (q *queues) collectMore(isDeferrable bool) {
	wait := q.remaining()
	if isDeferrable {
		wait = q.spacing
	}

	if wait <= 0 {
		return
	}

	timer := time.NewTimer(wait)
	defer timer.Stop()

	for n := 1; n < maxCollected; n++ {
		queue := q.takeOne(timer.C)
		if queue == nil { // the wait is over, or the queues are closed
			return
		}

		if isDeferrable && !queue.isDeferrable {
			isDeferrable = false

			timer.Reset(q.remaining())
		}
	}
}

// takeOne waits for a call, takes it, and returns its queue. It returns nil if expired fires first, or if the queues are
// closed.
func (q *queues) takeOne(expired <-chan time.Time) *calls {
	var (
		queue *calls
		op    *operation
	)

	select {
	case op = <-q.deliveries.Calls():
		queue = q.deliveries
	case op = <-q.steps.Calls():
		queue = q.steps
	case op = <-q.deferrableDeliveries.Calls():
		queue = q.deferrableDeliveries
	case op = <-q.deferrable.Calls():
		queue = q.deferrable
	case <-expired:
	}

	if op == nil {
		return nil
	}

	queue.held = append(queue.held, op)

	return queue
}

// takeRest takes the remaining calls of closed queues.
func (q *queues) takeRest() {
	for _, queue := range q.early {
		for op := range queue.Calls() {
			queue.held = append(queue.held, op)
		}
	}
}

// remaining returns the time until a transaction with other than deferrable calls may begin.
func (q *queues) remaining() time.Duration {
	if !q.shared {
		return 0
	}

	return q.spacing - time.Since(q.began)
}

// next returns a waiting call, or nil if none waits. Unless the batch is late, deliveries go first.
func (q *queues) next(isLate bool) *operation {
	order := q.early
	if isLate {
		order = q.late
	}

	for _, queue := range order {
		if op := queue.take(); op != nil {
			return op
		}
	}

	return nil
}
