// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

// patience is how long a patient call waits for others to share its transaction with.
const patience = 4 * time.Millisecond

// lines are the calls that wait for the writer. Deliveries go first, since Meta waits for them, and processing is work for
// later. They leave a quarter of each batch to the other calls, so that processing goes on however many arrive.
//
// A transaction costs more than the call in it. So calls that nobody waits for are patient: alone, they wait for company.
type lines struct {
	deliveries, steps, patient *groupcommit.Queue[func(*tx) error]

	wait time.Duration // of a patient call that is alone
	held *operation    // a patient call that has waited and was not returned yet
}

func newLines(size int) *lines {
	return &lines{
		deliveries: groupcommit.New[func(*tx) error](size),
		steps:      groupcommit.New[func(*tx) error](size),
		patient:    groupcommit.New[func(*tx) error](size),
		wait:       patience,
	}
}

func (l *lines) close() {
	l.deliveries.Close()
	l.steps.Close()
	l.patient.Close()
}

// first waits for a call and returns it. It returns nil after the last call, once the lines are closed.
func (l *lines) first() *operation {
	if op := l.takeHeld(); op != nil {
		return op
	}

	select {
	case op := <-l.deliveries.Calls():
		if op != nil {
			return op
		}
	case op := <-l.steps.Calls():
		if op != nil {
			return op
		}
	case op := <-l.patient.Calls():
		if op != nil {
			return l.linger(op)
		}
	}

	for _, line := range [...]*groupcommit.Queue[func(*tx) error]{l.deliveries, l.steps, l.patient} { // they are closed
		if op := <-line.Calls(); op != nil {
			return op
		}
	}

	return nil
}

// linger waits for a call that does not wait itself, and returns it. If none comes in time, it returns the patient call.
func (l *lines) linger(patient *operation) *operation {
	timer := time.NewTimer(l.wait)
	defer timer.Stop()

	var first *operation

	select {
	case first = <-l.deliveries.Calls():
	case first = <-l.steps.Calls():
	case <-timer.C:
	}

	if first == nil {
		return patient
	}

	l.held = patient

	return first
}

// next returns a waiting call, or nil if none waits. Unless the batch is late, deliveries go first.
func (l *lines) next(isLate bool) *operation {
	if op := l.takeHeld(); op != nil {
		return op
	}

	order := [...]*groupcommit.Queue[func(*tx) error]{l.deliveries, l.steps, l.patient}
	if isLate {
		order = [...]*groupcommit.Queue[func(*tx) error]{l.steps, l.patient, l.deliveries}
	}

	for _, line := range order {
		select {
		case op := <-line.Calls():
			if op != nil {
				return op
			}
		default:
		}
	}

	return nil
}

func (l *lines) takeHeld() *operation {
	op := l.held
	l.held = nil

	return op
}
