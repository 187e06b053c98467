// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/groupcommit"
)

type testCall string

func (testCall) weight() int { return 1 }

// hold keeps the worker of a group in a transaction until the returned function is called.
func hold(t *testing.T, s *Store) (*group[testCall], func()) {
	t.Helper()

	begun := make(chan struct{})
	end := make(chan struct{})
	g := newGroup(s, s.write, func(ctx context.Context, t *tx, calls []*groupcommit.Call[testCall]) error {
		if calls[0].Value == "hold" {
			close(begun)
			<-end

			return nil
		}

		for _, c := range calls {
			switch c.Value {
			case "alone":
				c.Err = errors.New("alone")
			case "panics":
				panic("with a phone number")
			case "bad":
				t.exec("SELECT 1 / $1::int", 0)
			default:
				t.exec("INSERT INTO pauses (scope, until, level, code) VALUES ($1, 1, 1, '')", string(c.Value))
			}
		}

		return t.flush(ctx)
	}, nil)

	var held sync.WaitGroup
	held.Go(func() {
		if err := g.do(context.Background(), "hold"); err != nil {
			t.Errorf("the holding call: %v", err)
		}
	})
	<-begun

	release := sync.OnceFunc(func() { close(end); held.Wait() })
	t.Cleanup(func() { release(); g.close() })

	return g, release
}

// enqueue submits calls, which form one batch.
func enqueue(t *testing.T, g *group[testCall], values ...testCall) []*groupcommit.Call[testCall] {
	t.Helper()

	var calls []*groupcommit.Call[testCall]
	for _, value := range values {
		c, err := g.queue.Submit(value)
		if err != nil {
			t.Fatal(err)
		}

		calls = append(calls, c)
	}

	return calls
}

func pauses(t *testing.T, s *Store) string {
	t.Helper()

	_, found, err := s.Schedule(t.Context(), start.AddDate(-100, 0, 0))
	if err != nil {
		t.Fatal(err)
	}

	var scopes []string
	for _, p := range found {
		scopes = append(scopes, p.Scope)
	}

	return strings.Join(scopes, " ")
}

func TestFailedCallAffectsNoOther(t *testing.T) {
	for _, c := range []struct {
		bad  testCall
		want string
	}{
		{"alone", "alone"},
		{"bad", "SQLSTATE 22012"},
		{"panics", "panicked"},
	} {
		var log bytes.Buffer

		access := newAccess(t)
		s := openLive(t, func() Access { return access }, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		g, release := hold(t, s)
		calls := enqueue(t, g, "one", c.bad, "two")

		release()

		for i, call := range calls {
			<-call.Done()

			if i == 1 && (call.Err == nil || !strings.Contains(call.Err.Error(), c.want)) {
				t.Errorf("%s: the failing call returned %v, want %q", c.bad, call.Err, c.want)
			} else if i != 1 && call.Err != nil {
				t.Errorf("%s: call %d: %v", c.bad, i, call.Err)
			}
		}

		if got := pauses(t, s); got != "two one" {
			t.Errorf("%s: %q was written, want one and two", c.bad, got)
		}

		g.close()

		if logged := log.String(); strings.Contains(logged, "group_test.go") != (c.bad == "panics") || strings.Contains(logged, "phone number") {
			t.Errorf("%s: the log has %q, want the stack of a panic without its value", c.bad, logged)
		}
	}
}

func TestFullQueueIsBusy(t *testing.T) {
	access := newAccess(t)
	s := openLive(t, func() Access { return access }, Options{Queue: 1})
	g, _ := hold(t, s)
	enqueue(t, g, "one")

	if err := g.do(t.Context(), "two"); !errors.Is(err, store.ErrBusy) {
		t.Errorf("the call returned %v, want ErrBusy", err)
	}
}

func TestContextEndsBeforeCallStarts(t *testing.T) {
	s := openStore(t, newAccess(t))
	g, release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())

	left := make(chan error)
	go func() { left <- g.do(ctx, "one") }()

	cancel()

	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the call returned %v, want context.Canceled", err)
	}

	release()

	if err := g.do(t.Context(), "two"); err != nil {
		t.Error(err)
	}

	if got := pauses(t, s); got != "two" {
		t.Errorf("%q was written, want two: a call must not run after its context ended", got)
	}
}

func TestCloseCompletesAcceptedCalls(t *testing.T) {
	s := openStore(t, newAccess(t))
	g, release := hold(t, s)
	calls := enqueue(t, g, "one", "two")

	release()
	g.close()

	for _, c := range calls {
		<-c.Done()

		if c.Err != nil {
			t.Error(c.Err)
		}
	}

	if got := pauses(t, s); got != "two one" {
		t.Errorf("%q was written, want one and two", got)
	}

	if err := g.do(t.Context(), "three"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a call after close returned %v, want ErrClosed", err)
	}
}
