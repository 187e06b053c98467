// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// idleStore opens a store with so many persons whose conversations are idle, who have two names each. A page with the state of
// some of them is overwritten.
func idleStore(t *testing.T, persons int64) *Store {
	t.Helper()

	path := filepath.Join(t.TempDir(), "inbox.db")

	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}

	for n := range persons {
		e := message(n, persons)
		e.State = store.Skipped
		e.SentAt = e.ReceivedAt.Add(time.Duration(n) * time.Second)
		e.ReceivedAt = e.SentAt
		e.Aliases = []string{"user/" + strconv.FormatInt(n, 10)}

		if _, err := s.Ingest(t.Context(), []store.Event{e}); err != nil {
			t.Fatal(err)
		}
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	overwritePage(t, path, leafOf(t, path, "conversations", 2))

	return openStore(t, path)
}

// leafOf returns the number, from 1, of the page with the rows of a table or index that follow so many pages.
func leafOf(t *testing.T, path, table string, after int64) (page int64) {
	t.Helper()

	c, err := connect(t.Context(), dsn(path, reading))
	if err != nil {
		t.Fatal(err)
	}

	err = c.query(t.Context(), "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET ?", func(r row) error {
		page = r.int(0)
		return nil
	}, table, after)
	if err != nil || page == 0 {
		t.Fatalf("the page of %s after %d others is %d, %v", table, after, page, err)
	}

	if err := c.close(); err != nil {
		t.Fatal(err)
	}

	return page
}

func overwritePage(t *testing.T, path string, page int64) {
	t.Helper()

	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := f.WriteAt(make([]byte, pageSize), (page-1)*pageSize); err != nil {
		t.Fatal(err)
	}

	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// rowsOf counts the rows of a query that reads no damaged page.
func rowsOf(t *testing.T, s *Store, from string) (count int64) {
	t.Helper()

	err := s.read(t.Context(), func(c *conn) error {
		return c.query(context.Background(), "SELECT count(*) FROM "+from, func(r row) error {
			count = r.int(0)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}

	return count
}

func TestADamagedPageOfConversationsStopsOnlyThePurgeOfItsPersons(t *testing.T) {
	const (
		persons = 2000
		most    = 250 // on such a page, and on those beside it
	)

	s := idleStore(t, persons)
	later := start.Add(24 * time.Hour)
	purgeAll(t, s, later, later)

	left := rowsOf(t, s, "conversations INDEXED BY conversations_active WHERE class = 0")
	if left == 0 || left > most {
		t.Errorf("%d persons are left, want 1 to %d", left, most)
	}

	if names := rowsOf(t, s, "names"); names > left {
		t.Errorf("%d names of %d persons are left", names, left)
	}

	ping(t, s)
}
