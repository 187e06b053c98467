// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

// wantReaders checks that every reader of the store works.
func wantReaders(t *testing.T, s *Store) {
	t.Helper()

	for range 2 * readers { // in turn
		if _, err := s.Stats(t.Context(), start); err != nil {
			t.Fatalf("Stats: %v", err)
		}
	}
}

// A call that is canceled while its transaction begins leaves the reader outside a transaction.
func TestCanceledReadsLeaveTheReadersUsable(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))

	for range 20_000 {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})

		go func() {
			defer close(ended)

			cancel()
		}()

		if _, err := s.Stats(ctx, start); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("Stats: %v", err)
		}

		<-ended
	}

	wantReaders(t, s)
}

func TestReaderInAnUnknownStateIsReplaced(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))

	for range 2 * readers {
		err := s.read(t.Context(), func(c *conn) error {
			_, err := c.exec(t.Context(), "ROLLBACK") // so that the transaction cannot be ended
			return err
		})
		if err == nil {
			t.Error("a read whose transaction could not be ended returned no error")
		}
	}

	wantReaders(t, s)
}

func TestReaderIsReplacedAfterAPanic(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "inbox.db"))

	for range 2 * readers {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the read did not panic")
				}
			}()

			_ = s.read(t.Context(), func(*conn) error { panic("in a read") })
		}()
	}

	wantReaders(t, s)
}
