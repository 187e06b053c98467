// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package election

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	job  = "retention"
	term = time.Minute
)

func openStore(t *testing.T) *sqlite.Store {
	t.Helper()

	inbox, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := inbox.Close(); err != nil {
			t.Error(err)
		}
	})

	return inbox
}

func acquire(t *testing.T, c *Candidate, want bool) (state string) {
	t.Helper()

	leading, data, err := c.Acquire(t.Context(), term)
	if err != nil {
		t.Fatal(err)
	}

	if leading != want || c.Leading() != want {
		t.Errorf("%s: leading %v, Leading() %v, want %v", c.holder, leading, c.Leading(), want)
	}

	return string(data)
}

func TestOneCandidateLeads(t *testing.T) {
	inbox := openStore(t)
	clock := clockwork.NewFakeClock()
	first := NewCandidate(inbox, job, "first", clock)
	second := NewCandidate(inbox, job, "second", clock)
	other := NewCandidate(inbox, "another job", "second", clock)

	acquire(t, first, true)
	acquire(t, second, false)
	acquire(t, other, true)

	clock.Advance(term - time.Second)
	acquire(t, first, true) // renews

	clock.Advance(term - time.Second)
	acquire(t, second, false)

	clock.Advance(time.Second)
	acquire(t, second, true)
	acquire(t, first, false)
}

func TestReleaseMakesRoomAtOnce(t *testing.T) {
	inbox := openStore(t)
	clock := clockwork.NewFakeClock()
	first := NewCandidate(inbox, job, "first", clock)
	second := NewCandidate(inbox, job, "second", clock)

	acquire(t, first, true)

	ended, cancel := context.WithCancel(t.Context())
	cancel()

	if err := first.Release(ended); err != nil || first.Leading() {
		t.Errorf("Leading() %v after Release, %v", first.Leading(), err)
	}

	acquire(t, second, true)

	if err := first.Release(t.Context()); err != nil {
		t.Error(err)
	}

	acquire(t, second, true) // a candidate that does not lead releases nothing
}

func TestLapseLetsTheTermEnd(t *testing.T) {
	inbox := openStore(t)
	clock := clockwork.NewFakeClock()
	first := NewCandidate(inbox, job, "first", clock)
	second := NewCandidate(inbox, job, "second", clock)

	acquire(t, first, true)
	first.Lapse()

	if err := first.Release(t.Context()); err != nil || first.Leading() {
		t.Errorf("Leading() %v after Lapse, %v", first.Leading(), err)
	}

	acquire(t, second, false)
	clock.Advance(term)
	acquire(t, second, true)
}

func TestPublishedStateReachesTheOthers(t *testing.T) {
	inbox := openStore(t)
	clock := clockwork.NewFakeClock()
	first := NewCandidate(inbox, job, "first", clock)
	second := NewCandidate(inbox, job, "second", clock)

	acquire(t, first, true)

	if err := first.Publish(t.Context(), []byte("all is well")); err != nil {
		t.Fatal(err)
	}

	if state := acquire(t, second, false); state != "all is well" {
		t.Errorf("state %q, want the published one", state)
	}

	clock.Advance(term)
	acquire(t, second, true)

	if err := first.Publish(t.Context(), []byte("late")); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("publishing after another candidate leads: %v, want ErrLeaseLost", err)
	}
}

// failing is a store whose AcquireLeadership cancels the caller or returns an error, if set to.
type failing struct {
	Store

	err    error
	cancel context.CancelFunc
}

func (f *failing) AcquireLeadership(ctx context.Context, job, holder string, now, until time.Time) (bool, []byte, error) {
	if f.cancel != nil {
		f.cancel()
		return false, nil, ctx.Err()
	}

	if f.err != nil {
		return false, nil, f.err
	}

	return f.Store.AcquireLeadership(ctx, job, holder, now, until)
}

func TestFailedRenewalEndsLeading(t *testing.T) {
	down := errors.New("the store is down")
	inbox := &failing{Store: openStore(t)}
	c := NewCandidate(inbox, job, "first", clockwork.NewFakeClock())
	acquire(t, c, true)

	inbox.err = down
	if leading, _, err := c.Acquire(t.Context(), term); leading || c.Leading() || !errors.Is(err, down) {
		t.Errorf("leading %v, Leading() %v, %v", leading, c.Leading(), err)
	}
}

func TestCanceledRenewalLeavesTheLeadershipToRelease(t *testing.T) {
	inbox := &failing{Store: openStore(t)}
	clock := clockwork.NewFakeClock()
	first := NewCandidate(inbox, job, "first", clock)
	acquire(t, first, true)

	ctx, cancel := context.WithCancel(t.Context())
	inbox.cancel = cancel

	if leading, _, err := first.Acquire(ctx, term); leading || !first.Leading() || !errors.Is(err, context.Canceled) {
		t.Errorf("leading %v, Leading() %v, %v", leading, first.Leading(), err)
	}

	inbox.cancel = nil

	if err := first.Release(ctx); err != nil {
		t.Fatal(err)
	}

	acquire(t, NewCandidate(inbox, job, "second", clock), true)
}
