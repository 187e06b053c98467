// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// large returns a message whose payload fills 32 pages of the log.
func large(n int64) store.Event {
	e := message(n, 4)
	e.Payload = []byte(strings.Repeat("x", 32*4096))

	return e
}

// A reader prevents the log from starting over while it reads.
func TestLogIsLimitedDespiteReaders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	s := openStore(t, path)
	written := int64(0)

	write := func(n int) error {
		for range n {
			written++
			if _, err := s.Ingest(t.Context(), []store.Event{large(written)}); err != nil {
				return err
			}
		}

		return nil
	}
	for written < 3*logPages/32 {
		err := s.read(t.Context(), func(c *conn) error {
			seen := func(row) error { return nil }
			return errors.Join(c.query(t.Context(), "SELECT pending FROM counts", seen), write(40))
		})
		if err := errors.Join(err, write(2)); err != nil {
			t.Fatal(err)
		}
	}

	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}

	if pages := info.Size() / 4096; pages > logPages*3/2 {
		t.Errorf("the log has grown to %d pages, want about %d", pages, logPages)
	}

	if n := pending(t, s); n != written {
		t.Errorf("%d events are pending, want %d", n, written)
	}
}

func TestLogIsCopiedAheadOfCommits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")

	s := openStore(t, path)
	for n := range int64(copyFrom/32 + 1) {
		if _, err := s.Ingest(t.Context(), []store.Event{large(n)}); err != nil {
			t.Fatal(err)
		}
	}

	c, err := connect(t.Context(), dsn(path, copying))
	if err != nil {
		t.Fatal(err)
	}

	defer func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	}()

	watch := checkpointer{conn: c}
	for copied := int64(0); copied < copyFrom; {
		ingest(t, s, 1) // which it has; so the log does not grow, but is looked at

		if _, copied, err = watch.length(); err != nil {
			t.Fatal(err)
		}
	}
}
