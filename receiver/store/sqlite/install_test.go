// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// copyWith returns the copy of a store with three pending messages, after statements that change it.
func copyWith(t *testing.T, statements ...string) []byte {
	t.Helper()

	path := filepath.Join(t.TempDir(), "inbox.db")
	s := openStore(t, path)
	ingest(t, s, 1, 2, 3)

	err := s.writer.do(t.Context(), func(t *tx) error {
		for _, statement := range statements {
			if _, err := t.exec(statement); err != nil {
				return err
			}
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	copied, _, err := s.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()

	content, err := io.ReadAll(copied)
	if err != nil {
		t.Fatal(err)
	}

	return content
}

// writingOf returns a function that writes a content.
func writingOf(content []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}
}

// names returns the names of the files in a folder.
func names(t *testing.T, folder string) []string {
	t.Helper()

	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}

	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}

	return all
}

// TestInstall puts a copy in place beside what other processes have left, and leaves a store alone.
func TestInstall(t *testing.T) {
	content := copyWith(t)
	path := filepath.Join(t.TempDir(), "inbox.db")

	for suffix, text := range map[string]string{
		"":              "", // of a process that ended while it opened a new store
		"-wal":          "the log of another store",
		"-journal":      "the journal of another store",
		installedSuffix: "a part of a copy",
	} {
		if err := os.WriteFile(path+suffix, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if err := Install(t.Context(), path, int64(len(content)), writingOf(content)); err != nil {
		t.Fatal(err)
	}

	if got := strings.Join(names(t, filepath.Dir(path)), " "); got != "inbox.db inbox.db.lock" {
		t.Errorf("the folder has %s, want the copy and the lock", got)
	}

	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has the mode %v, %v, want one for its owner alone", info.Mode(), err)
	}

	unwanted := func(io.Writer) error {
		t.Error("a copy was fetched although there is a store")
		return nil
	}

	if err := Install(t.Context(), path, 1, unwanted); err != nil {
		t.Errorf("Install beside a store returned %v", err)
	}

	s := openStore(t, path)
	if got, err := s.Search(t.Context(), store.Search{}, 0, 10); err != nil || len(got.Records) != 3 {
		t.Errorf("the copy has the events %v, %v, want three", got, err)
	}

	if err := Install(t.Context(), path, 1, unwanted); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("Install of a store that is open returned %v", err)
	}
}

// TestFailedInstall checks that a copy which cannot be used leaves no store and no file.
func TestFailedInstall(t *testing.T) {
	content := copyWith(t)
	broken := slices.Clone(content)

	for i := 4096 * 4; i < len(broken); i += 4096 {
		copy(broken[i:], strings.Repeat("\xff", 64))
	}

	interrupted := errors.New("interrupted")
	plenty := func(string) (int64, int64, error) { return 1 << 30, 1 << 30, nil }

	for name, c := range map[string]struct {
		write func(io.Writer) error
		space func(string) (int64, int64, error)
		want  error
		text  string
	}{
		"interrupted": {
			func(w io.Writer) error { _, err := w.Write(content[:5000]); return errors.Join(err, interrupted) },
			plenty, interrupted, "",
		},
		"pages that do not fit": {writingOf(broken), plenty, errUnsound, ""},
		"cut":                   {writingOf(content[:len(content)-4096]), plenty, errUnsound, ""},
		"no database":           {writingOf([]byte(strings.Repeat("text", 4096))), plenty, errNoStore, ""},
		"empty":                 {writingOf(nil), plenty, errNoStore, ""},
		"another database":      {writingOf(copyWith(t, "DROP TABLE goose_db_version")), plenty, errNoStore, ""},
		"of a newer version": {
			writingOf(copyWith(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)", "INSERT INTO compatibility VALUES (999)")),
			plenty, nil, "needs a program that supports version 999",
		},
		"no room": {
			writingOf(content), func(string) (int64, int64, error) { return 1 << 30, reserveOf(1<<30) + 100, nil },
			store.ErrDiskFull, "enlarge the volume",
		},
		"a full disk": {func(io.Writer) error { return syscall.ENOSPC }, plenty, store.ErrDiskFull, "enlarge the volume"},
		"the disk is gone": {
			writingOf(content), func(string) (int64, int64, error) { return 0, 0, syscall.EIO }, syscall.EIO, "read the space",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "inbox.db")

			err := install(t.Context(), path, int64(len(content)), c.write, c.space)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("Install returned %v, want %v %s", err, c.want, c.text)
			}

			if got := names(t, filepath.Dir(path)); len(got) != 1 {
				t.Errorf("the folder has %v, want the lock alone", got)
			}
		})
	}
}

// TestInterruptedInstall looks at what a process leaves that dies after a download and before the copy is in place.
func TestInterruptedInstall(t *testing.T) {
	content := copyWith(t)
	path := filepath.Join(t.TempDir(), "inbox.db")
	left := filepath.Join(t.TempDir(), "inbox.db")

	err := Install(t.Context(), path, int64(len(content)), func(w io.Writer) error {
		if _, err := w.Write(content); err != nil {
			return err
		}

		return os.CopyFS(filepath.Dir(left), os.DirFS(filepath.Dir(path)))
	})
	if err != nil {
		t.Fatal(err)
	}

	if exists, err := Exists(left); exists || err != nil {
		t.Fatalf("there is a store: %t, %v", exists, err)
	}

	if got := strings.Join(names(t, filepath.Dir(left)), " "); !strings.Contains(got, installedSuffix) {
		t.Fatalf("the folder has %s, want a part of the copy", got)
	}

	openStore(t, left) // without the setting that restores

	if got := strings.Join(names(t, filepath.Dir(left)), " "); strings.Contains(got, installedSuffix) {
		t.Errorf("the folder has %s, want no part of a copy", got)
	}
}
