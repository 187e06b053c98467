// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Factory{
		Exclusive: true,
		Open: func(place string) (store.Store, error) {
			return Open(context.Background(), filepath.Join(place, "inbox.db"), Options{})
		},
	})
}

// openStore opens a store and closes it when the test ends.
func openStore(t testing.TB, path string) *Store {
	t.Helper()

	return openWith(t, path, Options{})
}

func openWith(t testing.TB, path string, options Options) *Store {
	t.Helper()

	s, err := Open(t.Context(), path, options)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})

	return s
}

func ingest(t testing.TB, s *Store, n ...int64) {
	t.Helper()

	var events []store.Event
	for _, n := range n {
		events = append(events, message(n, 1))
	}

	if _, err := s.Ingest(t.Context(), events); err != nil {
		t.Fatal(err)
	}
}

func pending(t testing.TB, s *Store) int64 {
	t.Helper()

	stats, err := s.Stats(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}

	return stats.Pending
}

// A copy of the files is the state that a killed process leaves behind.
func TestIngestedEventsSurviveCrash(t *testing.T) {
	here := t.TempDir()
	there := t.TempDir()
	s := openStore(t, filepath.Join(here, "inbox.db"))
	ingest(t, s, 1, 2, 3)

	leases, err := s.Claim(t.Context(), store.Conversations, start, start.AddDate(0, 0, 1), 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Claim returned %v, %v", leases, err)
	}

	for _, name := range []string{"inbox.db", "inbox.db-wal"} {
		content, err := os.ReadFile(filepath.Join(here, name))
		if err != nil {
			t.Fatal(err)
		}

		if err := os.WriteFile(filepath.Join(there, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	copied := openStore(t, filepath.Join(there, "inbox.db"))
	if n := pending(t, copied); n != 3 {
		t.Errorf("%d events are pending, want 3", n)
	}

	leases, err = copied.Claim(t.Context(), store.Conversations, start, start, 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("the lane of a dead process is not due: %v, %v", leases, err)
	}

	if leases[0].Work.Starts != 2 {
		t.Errorf("starts are %d, want 2", leases[0].Work.Starts)
	}

	if _, err := copied.Renew(t.Context(), nil, start); err != nil {
		t.Error(err)
	}
}

func TestFilesAreReadableByOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "100%25 a?b#c.db")
	s := openStore(t, path)
	ingest(t, s, 1)

	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}

		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%q has mode %o, want 600", suffix, mode)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, folder string) string
		want    string
	}{
		{"no folder", func(_ *testing.T, folder string) string {
			return filepath.Join(folder, "missing", "inbox.db")
		}, "its folder does not exist"},
		{"folder is a file", func(t *testing.T, folder string) string {
			write(t, filepath.Join(folder, "file"), "")
			return filepath.Join(folder, "file", "inbox.db")
		}, "is not a folder"},
		{"open twice", func(t *testing.T, folder string) string {
			openStore(t, filepath.Join(folder, "inbox.db"))
			return filepath.Join(folder, "inbox.db")
		}, "another process has it open"},
		{"cannot be written", func(t *testing.T, folder string) string {
			if err := os.Mkdir(filepath.Join(folder, "inbox.db"), 0o700); err != nil {
				t.Fatal(err)
			}

			return filepath.Join(folder, "inbox.db")
		}, "the file must be writable"},
		{"no database", func(t *testing.T, folder string) string {
			write(t, filepath.Join(folder, "inbox.db"), strings.Repeat("text ", 1000))
			return filepath.Join(folder, "inbox.db")
		}, "file is not a database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Open(t.Context(), c.prepare(t, t.TempDir()), Options{})
			if err == nil {
				t.Fatal(s.Close())
			}

			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %q, want it to contain %q", err, c.want)
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()

	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
