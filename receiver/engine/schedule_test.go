// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// watchedRepair is a store that shows when the clock was repaired.
type watchedRepair struct {
	store.Store

	once *sync.Once
	done chan struct{}
}

func (w watchedRepair) RepairClock(ctx context.Context, now time.Time) error {
	defer w.once.Do(func() { close(w.done) })

	return w.Store.RepairClock(ctx, now)
}

// A receiver whose clock is a little behind starts beside another one.
func TestStartEndsNoLeaseOfAnotherReceiver(t *testing.T) {
	for name, tc := range map[string]struct {
		ahead time.Duration
		held  bool
	}{
		"clocks differ":       {ahead: clockSkew / 2, held: true},
		"the clock was ahead": {ahead: time.Hour, held: false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			inbox := f.parts.Store
			id := f.ingest(t, "573001234567", "wamid.1")

			granted := time.Now().Add(tc.ahead)

			leases, err := inbox.Claim(t.Context(), store.Conversations, granted, granted.Add(time.Minute), 1)
			if err != nil || len(leases) != 1 {
				t.Fatalf("Claim() = %v, %v, want the conversation", leases, err)
			}

			repaired := watchedRepair{
				Store: inbox,
				once:  &sync.Once{},
				done:  make(chan struct{}),
			}
			f.parts.Store = repaired
			f.start(t)
			<-repaired.done

			schedules, _, err := inbox.Schedule(t.Context(), granted)
			if err != nil {
				t.Fatal(err)
			}

			due := schedules[store.Conversations].NextDue
			if held := due.Equal(granted.Add(time.Minute).Truncate(time.Millisecond)); held != tc.held {
				t.Errorf("the lane of event %s is due at %s, lease kept: %t, want %t", id, due, held, tc.held)
			}
		})
	}
}
