// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	marker = "marked-text-of-a-person"
	digits = "573009998877"
)

// finishMarked stores messages with marked texts, ends them with a marked answer, and purges them.
func finishMarked(t *testing.T, s *Store, count int) {
	t.Helper()

	for i := range count {
		e := message(int64(i), 1)
		e.Payload = fmt.Appendf(nil, `{"from":%q,"text":"%s %s"}`, digits, marker, strings.Repeat("x", i*500))

		if _, err := s.Ingest(t.Context(), []store.Event{e}); err != nil {
			t.Fatal(err)
		}

		leases, err := s.Claim(t.Context(), store.Conversations, start.Add(time.Second), start.Add(time.Minute), 1)
		if err != nil || len(leases) != 1 {
			t.Fatalf("%d leases, %v", len(leases), err)
		}

		_, err = s.Advance(t.Context(), leases[0].LeaseRef, leases[0].Work.Event.ID, store.Step{
			Now:        start.Add(time.Second),
			Answer:     []store.Reply{{Type: "text", Body: []byte(`{"to":"` + digits + `","text":"` + marker + `"}`)}},
			Transcript: new(marker),
			Outcome:    &store.Outcome{State: store.Done},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wantNoTrace looks for the marked texts in all files of a folder.
func wantNoTrace(t *testing.T, folder string) {
	t.Helper()

	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}

	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}

		for _, text := range []string{marker, digits} {
			if n := strings.Count(string(content), text); n > 0 {
				t.Errorf("%s has %q %d times", entry.Name(), text, n)
			}
		}
	}
}

// waitForEmptyLog waits until the log has been emptied, which the checkpointer does beside the purge.
func waitForEmptyLog(t *testing.T, path string) {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()

	for size(path+"-wal") > 0 {
		select {
		case <-ctx.Done():
			t.Fatalf("the log still has %d bytes", size(path+"-wal"))
		case <-tick.C:
		}
	}
}

func TestPurgedTextIsGoneFromTheFiles(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "inbox.db")
	s := openStore(t, path)

	finishMarked(t, s, 30)

	later := start.Add(time.Hour)
	if _, err := s.Purge(t.Context(), store.Expiry{Payloads: later}, 1000); err != nil {
		t.Fatal(err)
	}

	waitForEmptyLog(t, path)
	wantNoTrace(t, folder)

	copied, _, err := s.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	backup, err := io.ReadAll(copied)
	if err != nil {
		t.Fatal(err)
	}

	if err := copied.Close(); err != nil {
		t.Fatal(err)
	}

	if strings.Contains(string(backup), marker) || strings.Contains(string(backup), digits) {
		t.Error("a backup has the purged text")
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	wantNoTrace(t, folder)
}

// storeLarge stores and ends events of 40 MiB in total.
func storeLarge(t *testing.T, s *Store) {
	t.Helper()

	payload := []byte(`"` + strings.Repeat("z", 39<<10) + `"`)

	for i := range 1024 {
		e := message(int64(i), 1)
		e.State = store.Skipped
		e.Payload = payload

		if _, err := s.Ingest(t.Context(), []store.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheFileShrinksAfterAPurge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	s := openStore(t, path)

	storeLarge(t, s)

	later := start.Add(time.Hour)
	purgeAll(t, s, later, time.Time{})
	waitForEmptyLog(t, path)

	if got := size(path); got > 12<<20 {
		t.Errorf("the file has %d MiB after everything was purged", got>>20)
	}

	purgeAll(t, s, later, time.Time{})

	if n := size(path + "-wal"); n > 0 {
		t.Errorf("a purge that found nothing wrote %d bytes", n)
	}

	if damages, err := s.Check(t.Context()); err != nil || len(damages) > 0 {
		t.Errorf("the file is damaged: %v, %v", damages, err)
	}
}

// TestAnOldFileIsRebuilt opens a file of an earlier version, which could not shrink and kept purged data.
func TestAnOldFileIsRebuilt(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "inbox.db")
	old := dsn(path, []string{"journal_mode(WAL)"})

	if err := migrate(t.Context(), old, nil); err != nil {
		t.Fatal(err)
	}

	c, err := connect(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}

	for _, sql := range []string{
		"CREATE TABLE purged (text TEXT)",
		"INSERT INTO purged VALUES ('" + strings.Repeat(marker, 1000) + "')",
		"DELETE FROM purged",
		"DROP TABLE purged",
	} {
		if _, err := c.exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}

	if err := c.close(); err != nil {
		t.Fatal(err)
	}

	full := func(string) (int64, int64, error) { return 1 << 30, 1 << 20, nil }

	s, err := Open(t.Context(), path, Options{space: full})
	if err != nil {
		t.Fatal(err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	if needed, err := rebuildSize(t.Context(), path); err != nil || needed == 0 {
		t.Errorf("the file was rebuilt on a full disk: %d, %v", needed, err)
	}

	s = openStore(t, path)
	finishMarked(t, s, 1)

	if _, err := s.Purge(t.Context(), store.Expiry{Payloads: start.Add(time.Hour)}, 1000); err != nil {
		t.Fatal(err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	wantNoTrace(t, folder)

	if needed, err := rebuildSize(t.Context(), path); err != nil || needed != 0 {
		t.Errorf("the file was not rebuilt: %d, %v", needed, err)
	}
}

// TestErasedTextIsGoneAfterALongRead erases a person while a transaction reads for longer than the log is tried to be emptied in
// quick succession.
func TestErasedTextIsGoneAfterALongRead(t *testing.T) {
	const waiting = 2 // the clock's timers: that of the ballast, and the checkpointer's next one

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	folder := t.TempDir()
	path := filepath.Join(folder, "inbox.db")
	clock := clockwork.NewFakeClockAt(start)
	s := openWith(t, path, Options{Clock: clock})

	finishMarked(t, s, 1)

	err := s.read(ctx, func(c *conn) error {
		if err := c.query(ctx, "SELECT pending FROM counts", func(row) error { return nil }); err != nil {
			return err
		}

		if _, err := s.Erase(ctx, []store.ID{message(0, 1).ID}, start); err != nil {
			return err
		}

		for range 3 * emptyTries { // a try takes two pauses at most
			if err := clock.BlockUntilContext(ctx, waiting); err != nil {
				return err
			}

			clock.Advance(copyInterval)
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	if size(path+"-wal") == 0 {
		t.Error("the log was emptied under a transaction that reads")
	}

	for size(path+"-wal") > 0 {
		if err := clock.BlockUntilContext(ctx, waiting); err != nil {
			t.Fatal(err)
		}

		clock.Advance(emptyDelay)
	}

	wantNoTrace(t, folder)
}
