// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// CodeRestored is the code in the history of events that EndRestored ended.
	CodeRestored = "restored"

	// ReportLane is the beginning of the names of lanes of class Statuses whose events are only reported to the AI.
	ReportLane = "status:"

	// failedStatus is the type of a status by which Meta reports that a message was not delivered.
	failedStatus = "failed"

	// maxWait is longer than any event waits for its next attempt.
	maxWait = 365 * 24 * time.Hour
	// restoredBatch is the number of lanes that EndRestored leases at once.
	restoredBatch = 256
	// restoredCallers is the number of lanes that it ends at once, since their steps can share transactions.
	restoredCallers = 64
)

// EndRestored ends the pending events of a copy of a store that would reach a person. The copy does not have what was done
// after it was made, so a receiver that opens it would do it again.
//
// Messages become dead letters with the code [CodeRestored], which people can replay. EndRestored returns their number. The events
// of class Statuses that [SendsAgain] names expire with this code. Other statuses, and notices, stay pending, since their receivers
// recognize repetitions.
//
// Nothing else may use the store meanwhile. If ctx ends, a second call completes the work.
func EndRestored(ctx context.Context, q Queue, now time.Time) (ended int64, err error) {
	if err := q.RepairClock(ctx, now); err != nil { // a wait that was set by a fast clock may be longer than maxWait
		return 0, fmt.Errorf("end what is pending in a backup: %w", err)
	}

	ended, err = endMessages(ctx, q, now)
	if err == nil {
		err = endSends(ctx, q, now)
	}

	if err != nil {
		return ended, fmt.Errorf("end what is pending in a backup: %w", err)
	}

	return ended, nil
}

// SendsAgain reports whether a pending event of class Statuses reaches a person whenever it is processed: it sends a message, sends
// one again, or gives a conversation away. Neither the person nor Meta recognizes a repetition.
func SendsAgain(e *Event) bool {
	switch e.Kind {
	case KindAnswerDeadline, KindThreadPass:
		return true
	case KindStatus:
		return e.Type == failedStatus && !strings.HasPrefix(e.Lane, ReportLane) // as that of a failed payment is
	default:
		return false
	}
}

// endMessages ends the pending messages of all conversations, and returns their number.
func endMessages(ctx context.Context, q Queue, now time.Time) (int64, error) {
	var count atomic.Int64

	step := endOf(now, Dead, "the message was pending in the backup from which the store was restored, and may have been answered since: "+
		"look at the conversation, then replay or discard the message")

	for {
		// The leases expire at once, so that those of an interrupted call keep nothing from the store. A step needs only the token.
		leases, err := q.Claim(ctx, Conversations, now.Add(maxWait), now, restoredBatch)
		if err != nil || len(leases) == 0 {
			return count.Load(), err
		}

		err = eachLease(ctx, leases, func(ctx context.Context, _ int, lease *Lease) error {
			for next := &lease.Work; next != nil; {
				work, err := q.Advance(ctx, lease.LeaseRef, next.Event.ID, step)
				if errors.Is(err, ErrLeaseLost) {
					return nil // it was ended together with another, or the next claim finds it
				}

				if err != nil {
					return err
				}

				count.Add(int64(1 + len(next.Coalesced)))

				next = work
			}

			return nil
		})
		if err != nil {
			return count.Load(), err
		}
	}
}

// endSends ends the pending events that SendsAgain names. They share no lane with others.
func endSends(ctx context.Context, q Queue, now time.Time) (err error) {
	at := now.Add(maxWait)
	step := endOf(now, Expired, "it was pending in the backup from which the store was restored, and may have been done since: "+
		"look at the conversation")

	var kept []Lease

	defer func() { err = errors.Join(err, releaseAll(context.WithoutCancel(ctx), q, kept, now)) }()

	for {
		// A lane that stays must not be claimed again, so the leases outlast all claims. If the process dies before it releases
		// them, RepairClock does: they were granted in the future.
		leases, err := q.Claim(ctx, Statuses, at, at.Add(maxWait), restoredBatch)
		if err != nil || len(leases) == 0 {
			return err
		}

		isDone := make([]bool, len(leases))

		err = eachLease(ctx, leases, func(ctx context.Context, i int, lease *Lease) (err error) {
			isDone[i], err = endLane(ctx, q, lease, step)

			return err
		})

		for i := range leases {
			if !isDone[i] {
				kept = append(kept, leases[i])
			}
		}

		if err != nil {
			return err
		}
	}
}

// endOf returns the step that ends an event in a state, for a reason.
func endOf(now time.Time, state State, reason string) Step {
	return Step{
		Now: now,
		Outcome: &Outcome{
			State: state,
			Failure: &Failure{
				At:    now,
				Class: "ambiguous",
				Code:  CodeRestored,
				Text:  reason,
			},
		},
	}
}

// endLane ends the events of a leased lane that SendsAgain names, one after the other. It reports whether the lane needs no
// release: it is idle, or was released for the next claim.
func endLane(ctx context.Context, q Queue, lease *Lease, step Step) (isDone bool, err error) {
	for next := &lease.Work; next != nil; {
		if !SendsAgain(&next.Event) {
			return false, nil
		}

		next, err = q.Advance(ctx, lease.LeaseRef, next.Event.ID, step)
		if errors.Is(err, ErrLeaseLost) { // an earlier try ended the event, and its result was lost
			return true, releaseAll(ctx, q, []Lease{*lease}, step.Now)
		}

		if err != nil {
			return false, err
		}
	}

	return true, nil
}

// releaseAll ends leases without progress, and ignores leases that have ended.
func releaseAll(ctx context.Context, q Queue, leases []Lease, now time.Time) error {
	return eachLease(ctx, leases, func(ctx context.Context, _ int, lease *Lease) error {
		if err := q.Release(ctx, lease.LeaseRef, now); err != nil && !errors.Is(err, ErrLeaseLost) {
			return err
		}

		return nil
	})
}

// eachLease calls a function for each lease and its index, several at a time.
func eachLease(ctx context.Context, leases []Lease, do func(context.Context, int, *Lease) error) error {
	group, grouped := errgroup.WithContext(ctx)
	group.SetLimit(restoredCallers)

	for i := range leases {
		group.Go(func() error { return do(grouped, i, &leases[i]) })
	}

	return group.Wait()
}
