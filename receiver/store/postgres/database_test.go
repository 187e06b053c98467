// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

// eventually waits until a call succeeds.
func eventually(t *testing.T, what string, call func() error) {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()

	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()

	for {
		err := call()
		if err == nil {
			return
		}

		select {
		case <-retry.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// Events reported as stored survive a crash of the server, and the store reconnects by itself.
func TestServerCrashAndRestart(t *testing.T) {
	own := pgtest.New(t, pgtest.Options{})

	user, err := own.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	s := openStore(t, Access{URL: user.URL})

	var stored, next, failed atomic.Int64

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	done := make(chan struct{})

	const producers = 8
	for range producers {
		go func() {
			defer func() { done <- struct{}{} }()

			for ctx.Err() == nil {
				n := next.Add(1)
				if _, err := s.Ingest(context.Background(), []store.Event{message(n, 10)}); err == nil {
					stored.Add(1)
				} else {
					failed.Add(1)
				}
			}
		}()
	}

	eventually(t, "events are stored", func() error {
		if stored.Load() < 100 {
			return errors.New("too few")
		}

		return nil
	})

	if err := own.Stop(); err != nil {
		t.Fatal(err)
	}

	eventually(t, "deliveries are refused", func() error {
		if failed.Load() < 100 {
			return errors.New("none")
		}

		return nil
	})

	before := stored.Load()

	eventually(t, "the database is unreachable", func() error { // a dying server may still report that it is shutting down
		if err = s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), errUnreachable.Error()) {
			return fmt.Errorf("error is %w", err)
		}

		return nil
	})
	wantFault(t, err, "the database cannot be reached", user.Name, user.Password, "127.0.0.1")

	if err := own.Run(t.Context()); err != nil {
		t.Fatal(err)
	}

	eventually(t, "events are stored again", func() error {
		if stored.Load() < before+100 {
			return errors.New("too few")
		}

		return nil
	})
	cancel()

	for range producers {
		<-done
	}

	stats, err := s.Stats(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	// A commit may have succeeded although the crash cut off its response.
	if stats.Pending < stored.Load() || stats.Pending > next.Load() {
		t.Errorf("%d events are pending, of %d reported as stored and %d delivered", stats.Pending, stored.Load(), next.Load())
	}

	var there int64
	for after := int64(0); ; {
		page, err := s.List(t.Context(), store.Filter{}, after, 1000)
		if err != nil {
			t.Fatal(err)
		}

		if len(page) == 0 {
			break
		}

		there += int64(len(page))
		after = page[len(page)-1].Seq
	}

	if there != stats.Pending {
		t.Errorf("%d events are stored, %d are counted", there, stats.Pending)
	}
}

// certify returns a CA, and a server certificate with its key, in PEM.
