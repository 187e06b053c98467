// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestResolve(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()

	fail := func(class failure.Class, after time.Duration) error {
		return fmt.Errorf("wrapped: %w", &failure.Error{
			Class:      class,
			Op:         "op",
			RetryAfter: after,
		})
	}
	for name, tc := range map[string]struct {
		runs     time.Duration // since the start
		unread   time.Duration // since attempts cannot read the store
		ctx      context.Context
		err      error
		attempts int
		state    store.State
		from, to time.Duration // bounds of the wait before the retry
		spent    bool
		unsent   bool // the part in flight goes back to planned
		code     string
		event    store.Event
	}{
		"status, Bird unavailable": {
			event:    store.Event{Class: store.Statuses, ReceivedAt: now.Add(-23 * time.Hour)},
			err:      fail(failure.Transient, 0),
			attempts: 50,
			state:    store.Pending,
			from:     50 * time.Second,
			to:       100 * time.Second,
			spent:    true,
		},
		"status, Bird unavailable for a day": {
			event: store.Event{Class: store.Statuses, ReceivedAt: now.Add(-25 * time.Hour)},
			err:   fail(failure.Transient, 0),
			state: store.Expired,
			spent: true,
		},
		"status, rejected": {
			event: store.Event{Class: store.Statuses, ReceivedAt: now},
			err:   fail(failure.Permanent, 0),
			state: store.Expired,
			spent: true,
		},
		"status, refused for a day": {
			event: store.Event{Class: store.Statuses, ReceivedAt: now.Add(-25 * time.Hour)},
			err:   fail(failure.Configuration, 0),
			state: store.Expired,
		},
		"notice, sink unavailable": {
			event:    store.Event{Class: store.Notices, Kind: store.KindNotice},
			err:      fail(failure.Transient, 0),
			attempts: 50,
			state:    store.Pending,
			from:     50 * time.Second,
			to:       100 * time.Second,
			spent:    true,
		},
		"notice, sink unavailable for a day": {
			event: store.Event{
				Class:      store.Notices,
				Kind:       store.KindNotice,
				ReceivedAt: now.Add(-25 * time.Hour),
			},
			err:   fail(failure.Transient, 0),
			state: store.Expired,
			spent: true,
		},
		"processed": {state: store.Done},
		"transient, first": {
			err:    fail(failure.Transient, 0),
			state:  store.Pending,
			from:   5 * time.Second,
			to:     10 * time.Second,
			spent:  true,
			unsent: true,
		},
		"transient, second": {
			err:      fail(failure.Transient, 0),
			attempts: 1,
			state:    store.Pending,
			from:     10 * time.Second,
			to:       20 * time.Second,
			spent:    true,
			unsent:   true,
		},
		"transient, last": {
			err:      fail(failure.Transient, 0),
			attempts: 2,
			state:    store.Dead,
			spent:    true,
			unsent:   true,
		},
		"transient, with Retry-After": {
			err:    fail(failure.Transient, 90*time.Second),
			state:  store.Pending,
			from:   90 * time.Second,
			to:     90 * time.Second,
			spent:  true,
			unsent: true,
		},
		"not classified": {
			err:    errors.New("not classified"),
			state:  store.Pending,
			from:   5 * time.Second,
			to:     10 * time.Second,
			spent:  true,
			unsent: true,
		},
		"rate limited, several attempts": {
			err:      fail(failure.RateLimited, 0),
			attempts: 2,
			state:    store.Pending,
			from:     100 * time.Second,
			to:       110 * time.Second,
			unsent:   true,
		},
		"rate limited, with Retry-After": {
			err:    fail(failure.RateLimited, 5*time.Minute),
			state:  store.Pending,
			from:   5 * time.Minute,
			to:     5*time.Minute + 30*time.Second,
			unsent: true,
		},
		"configuration, several attempts": {
			err:      fail(failure.Configuration, 0),
			attempts: 2,
			state:    store.Pending,
			from:     7 * time.Second,
			to:       7700 * time.Millisecond,
			unsent:   true,
		},
		"permanent": {
			err:    fail(failure.Permanent, 0),
			state:  store.Dead,
			spent:  true,
			unsent: true,
		},
		"ambiguous, last": {
			err:      fail(failure.Ambiguous, 0),
			attempts: 2,
			state:    store.Pending,
			from:     11 * time.Second,
			to:       11 * time.Second,
			spent:    true,
		},
		"key of another event missing": {
			err:   fmt.Errorf("wrapped: %w", store.ErrKey),
			state: store.Pending,
			from:  keyRetryDelay,
			to:    keyRetryDelay,
		},
		"key of another event missing for a while": {
			event: store.Event{ReceivedAt: now.Add(-5 * time.Minute)},
			err:   fmt.Errorf("wrapped: %w", store.ErrKey),
			state: store.Pending,
			from:  5 * time.Minute,
			to:    5 * time.Minute,
		},
		"key of another event missing for hours": {
			event:    store.Event{ReceivedAt: now.Add(-23 * time.Hour)},
			err:      fmt.Errorf("wrapped: %w", store.ErrKey),
			attempts: 2,
			state:    store.Pending,
			from:     store.MaxKeyWait,
			to:       store.MaxKeyWait,
		},
		"key of another event missing for a day": {
			event:  store.Event{ReceivedAt: now.Add(-serviceWindow)},
			err:    fmt.Errorf("wrapped: %w", store.ErrKey),
			state:  store.Dead,
			unsent: true,
		},
		"another event altered": {
			err:    fmt.Errorf("wrapped: %w", store.ErrAltered),
			state:  store.Dead,
			spent:  true,
			unsent: true,
		},
		"store unreadable, last": {
			err:      ofStore(errors.New("no connection")),
			attempts: 2,
			state:    store.Pending,
			from:     10 * time.Second,
			to:       11 * time.Second,
			unsent:   true,
		},
		"store unreadable for a while": {
			event:  store.Event{ReceivedAt: now.Add(-time.Hour)},
			err:    ofStore(errors.New("no connection")),
			state:  store.Pending,
			from:   100 * time.Second,
			to:     110 * time.Second,
			unsent: true,
		},
		"store unreadable after the service window, last": {
			event:    store.Event{ReceivedAt: now.Add(-serviceWindow)},
			err:      ofStore(errors.New("no connection")),
			attempts: 2,
			state:    store.Dead,
			spent:    true,
			unsent:   true,
			code:     codeNoStore,
		},
		"store unreadable, interrupted by the shutdown": {
			ctx:      stopped,
			err:      ofStore(context.Canceled),
			attempts: 2,
			state:    store.Pending,
			unsent:   true,
		},
		"store unreadable once, last after hours": {
			runs:     2 * time.Hour,
			event:    store.Event{ReceivedAt: now.Add(-2 * time.Hour)},
			err:      ofStore(errors.New("no connection")),
			attempts: 2,
			state:    store.Pending,
			from:     100 * time.Second,
			to:       110 * time.Second,
			unsent:   true,
		},
		"part of the store unreadable": {
			runs:   loneFailureAge,
			unread: loneFailureAge,
			event:  store.Event{ReceivedAt: now.Add(-loneFailureAge)},
			err:    ofStore(errors.New("a page cannot be read")),
			state:  store.Pending,
			from:   5 * time.Second,
			to:     10 * time.Second,
			spent:  true,
			unsent: true,
			code:   codeNoStore,
		},
		"part of the store unreadable, last": {
			runs:     loneFailureAge,
			unread:   loneFailureAge,
			event:    store.Event{ReceivedAt: now.Add(-loneFailureAge)},
			err:      ofStore(errors.New("a page cannot be read")),
			attempts: 2,
			state:    store.Dead,
			spent:    true,
			unsent:   true,
			code:     codeNoStore,
		},
		"status, part of the store unreadable for a day": {
			runs:   25 * time.Hour,
			unread: 25 * time.Hour,
			event:  store.Event{Class: store.Statuses, ReceivedAt: now.Add(-25 * time.Hour)},
			err:    ofStore(errors.New("a page cannot be read")),
			state:  store.Expired,
			code:   codeNoStore,
		},
		"status, store unreadable once after a day": {
			runs:  25 * time.Hour,
			event: store.Event{Class: store.Statuses, ReceivedAt: now.Add(-25 * time.Hour)},
			err:   ofStore(errors.New("no connection")),
			state: store.Pending,
			from:  100 * time.Second,
			to:    110 * time.Second,
		},
		"status, store unreadable after a day": {
			event: store.Event{Class: store.Statuses, ReceivedAt: now.Add(-25 * time.Hour)},
			err:   ofStore(errors.New("no connection")),
			state: store.Pending,
			from:  100 * time.Second,
			to:    110 * time.Second,
		},
		"status, waiting for its own time after a day": {
			event: store.Event{Class: store.Statuses, ReceivedAt: now.Add(-25 * time.Hour)},
			err:   &postponed{until: now.Add(3 * time.Second)},
			state: store.Pending,
			from:  3 * time.Second,
			to:    3 * time.Second,
		},
		"status, waiting for Bird for a day": {
			event: store.Event{Class: store.Statuses, ReceivedAt: now.Add(-25 * time.Hour)},
			err: &waiting{&gate.Closed{
				Scope:  gate.Scope{Kind: failure.ScopeAIMethod, Name: "bird:notify"},
				Reason: gate.Unavailable,
				Code:   "http_503",
				Cause:  "Bird is unavailable",
			}},
			state: store.Expired,
			code:  "http_503",
		},
		"status, key of another event missing for a day": {
			event: store.Event{Class: store.Statuses, ReceivedAt: now.Add(-25 * time.Hour)},
			err:   fmt.Errorf("wrapped: %w", store.ErrKey),
			state: store.Expired,
		},
		"waiting for a status": {
			err:   &postponed{until: now.Add(3 * time.Second)},
			state: store.Pending,
			from:  3 * time.Second,
			to:    3 * time.Second,
		},
		"interrupted by the shutdown": {
			ctx:      stopped,
			err:      fail(failure.Transient, 0),
			attempts: 2,
			state:    store.Pending,
			unsent:   true,
		},
		"interrupted during a send": {
			ctx:   stopped,
			err:   fail(failure.Ambiguous, 0),
			state: store.Pending,
			from:  11 * time.Second,
			to:    11 * time.Second,
			spent: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(now.Add(-tc.runs))
			e := New(Dependencies{
				Clock: clock,
				Live:  config.Fixed(testConfig(), config.Secrets{}),
				Log:   slog.New(slog.DiscardHandler),
			})
			clock.Advance(tc.runs - tc.unread)

			ctx := tc.ctx
			if ctx == nil {
				ctx = t.Context()
			}

			if tc.event.ReceivedAt.IsZero() {
				tc.event.ReceivedAt = now
			}

			h := head{work: &store.Work{Attempts: tc.attempts, Event: tc.event}, settings: e.Live.Current()}

			for waited := time.Duration(0); waited < tc.unread; waited += loneFailureAge {
				if got := e.unreadFor(h); got != waited {
					t.Errorf("the store is unreadable for %s, want %s", got, waited)
				}

				clock.Advance(loneFailureAge)
			}

			var step store.Step
			if tc.event.Class == store.Conversations {
				step = e.resolveAttempt(ctx, &attempt{
					inbound:      inbound{head: h},
					successState: store.Done,
					inFlight:     new(1),
				}, tc.err)
			} else {
				step = e.resolveSideEvent(ctx, h, gate.Call{}, store.Step{}, tc.err)
			}

			outcome := step.Outcome
			if outcome.State != tc.state {
				t.Errorf("state = %s, want %s", outcome.State, tc.state)
			}

			if wait := outcome.RetryAt.Sub(now); tc.state == store.Pending && (wait < tc.from || wait > tc.to) {
				t.Errorf("retry after %v, want between %v and %v", wait, tc.from, tc.to)
			}

			if spent := outcome.Failure != nil && outcome.Failure.Spent; spent != tc.spent {
				t.Errorf("spent = %t, want %t", spent, tc.spent)
			}

			if f := outcome.Failure; tc.code != "" && (f == nil || f.Code != tc.code) {
				t.Errorf("failure = %+v, want the code %s", f, tc.code)
			}

			if (step.Unsent != nil) != tc.unsent {
				t.Errorf("unsent = %v, want %t", step.Unsent, tc.unsent)
			}
		})
	}
}
