// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	openDuration = 30 * time.Second
	threshold    = 3
	textMethod   = "process_text_message"
	imageMethod  = "process_image_message"
)

// pauses is a store's pauses in memory.
type pauses map[string]store.Pause

func (p pauses) SetPause(_ context.Context, pause store.Pause, _ time.Time) error {
	p[pause.Scope] = pause
	return nil
}

func (p pauses) ClearPause(_ context.Context, scope string) error {
	delete(p, scope)
	return nil
}

// fixture is a gate with a fake clock.
type fixture struct {
	*Gate

	t      *testing.T
	clock  *clockwork.FakeClock
	shared pauses
	opened int
}

func newFixture(t *testing.T) *fixture {
	return newReplica(t, clockwork.NewFakeClock(), pauses{})
}

// newReplica returns a gate that shares its pauses with others.
func newReplica(t *testing.T, clock *clockwork.FakeClock, shared pauses) *fixture {
	f := &fixture{
		t:      t,
		clock:  clock,
		shared: shared,
	}
	f.Gate = New(Dependencies{
		Pauses: shared,
		Shared: true,
		Live: config.Fixed(config.Config{
			CloudAPI: config.CloudAPI{MessagesPerSecond: 20},
			Bird: config.Bird{CircuitBreaker: config.CircuitBreaker{
				FailureThreshold: threshold,
				OpenDuration:     openDuration,
			}},
		}, config.Secrets{}),
		Clock:  clock,
		Log:    slog.New(slog.NewTextHandler(t.Output(), nil)),
		Opened: func() { f.opened++ },
	})

	return f
}

// adopt reads the pauses and problems that the receivers share, and shares those of this one.
func (f *fixture) adopt() {
	f.t.Helper()

	asked := f.clock.Now()

	var found []store.Pause

	for _, pause := range f.shared {
		if pause.Until.After(asked.Add(-LevelTTL)) {
			found = append(found, pause)
		}
	}

	f.Adopt(found, asked)

	if err := f.Problems().Share(f.t.Context()); err != nil {
		f.t.Error(err)
	}
}

// event returns the id of the nth event.
func event(n int) store.ID { return store.NewID(store.KindMessage, fmt.Sprint(n)) }

// person returns a send to the nth person.
func person(n int) Call { return Send("waba", "number", fmt.Sprint("lane", n)) }

// enter makes a call that the gate must let through.
func (f *fixture) enter(call Call, n int) *Permit {
	f.t.Helper()

	permit, closed := f.Enter(call, event(n))
	if closed != nil {
		f.t.Fatalf("the gate refused event %d: %v", n, closed)
	}

	return permit
}

// call makes a call with a result. It reports whether the gate let it through.
func (f *fixture) call(call Call, n int, result *failure.Error) bool {
	f.t.Helper()

	permit, closed := f.Enter(call, event(n))
	if closed != nil {
		return false
	}

	f.done(permit, result)

	return true
}

func (f *fixture) done(permit *Permit, result *failure.Error) {
	f.t.Helper()

	if err := permit.Done(f.t.Context(), result); err != nil {
		f.t.Error(err)
	}
}

// mustCall makes a call and checks whether the gate lets it through.
func (f *fixture) mustCall(call Call, n int, result *failure.Error, want bool) {
	f.t.Helper()

	if got := f.call(call, n, result); got != want {
		f.t.Errorf("event %d passed the gate: %t, want %t", n, got, want)
	}
}

func limit(scope failure.Scope, retryAfter time.Duration) *failure.Error {
	return &failure.Error{
		Class:      failure.RateLimited,
		Scope:      scope,
		Code:       "130429",
		RetryAfter: retryAfter,
	}
}

func refusal(scope failure.Scope, code string) *failure.Error {
	return &failure.Error{
		Class: failure.Configuration,
		Scope: scope,
		Code:  code,
	}
}

var outage = &failure.Error{
	Class: failure.Transient,
	Scope: failure.ScopeAI,
	Code:  "http_503",
	Text:  "Bird is unavailable",
}

// wait returns how long a scope stays closed.
func (f *fixture) wait(call Call) time.Duration {
	closed := f.Check(call)
	if closed == nil {
		return 0
	}

	return closed.Until.Sub(f.clock.Now())
}
