// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// CodeRestored is the code in the history of events that EndRestored ended.
	CodeRestored = "restored"

	// maxWait is longer than any event waits for its next attempt.
	maxWait = 365 * 24 * time.Hour
	// restoredBatch is the number of conversations that EndRestored leases at once.
	restoredBatch = 256
	// restoredCallers is the number of conversations that it ends at once, since their steps can share transactions.
	restoredCallers = 64
)

// EndRestored ends the pending messages of a copy of a store as dead letters with the code [CodeRestored], and returns their
// number. A copy cannot know whether they were answered after it was made, and a receiver that opens it would answer them
// again. People can replay them. Pending statuses and notices stay, since their receivers recognize repetitions.
//
// Nothing else may use the store meanwhile. If ctx ends, a second call completes the work.
func EndRestored(ctx context.Context, q Queue, now time.Time) (ended int64, err error) {
	var count atomic.Int64

	if err := q.RepairClock(ctx, now); err != nil { // a wait that a clock has set which was ahead may be longer than maxWait
		return 0, fmt.Errorf("end the pending messages of a copy: %w", err)
	}

	for {
		// The leases expire at once, so that those of an interrupted call keep nothing from the store. A step needs only the token.
		leases, err := q.Claim(ctx, Conversations, now.Add(maxWait), now, restoredBatch)
		if err != nil {
			return count.Load(), fmt.Errorf("end the pending messages of a copy: %w", err)
		}

		if len(leases) == 0 {
			return count.Load(), nil
		}

		group, grouped := errgroup.WithContext(ctx)
		group.SetLimit(restoredCallers)

		for i := range leases {
			group.Go(func() error { return endRestored(grouped, q, &leases[i], now, &count) })
		}

		if err := group.Wait(); err != nil {
			return count.Load(), fmt.Errorf("end the pending messages of a copy: %w", err)
		}
	}
}

// endRestored ends the pending messages of a conversation.
func endRestored(ctx context.Context, q Queue, lease *Lease, now time.Time, count *atomic.Int64) error {
	step := Step{
		Now: now,
		Outcome: &Outcome{
			State: Dead,
			Failure: &Failure{
				At:    now,
				Class: "ambiguous",
				Code:  CodeRestored,
				Text: "the message was pending in the copy from which the store was restored, and may have been answered since: " +
					"look at the conversation, then replay or discard the message",
			},
		},
	}

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
}
