// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin/s3"
)

// restoration is a Restorer for a new store, in a test.
type restoration struct {
	*Restorer

	path  string
	clock *clockwork.FakeClock
	log   bytes.Buffer

	mu       sync.Mutex
	progress []string
	failures chan string
}

func newRestoration(t *testing.T, settings *config.Backup, secrets config.Secrets) *restoration {
	t.Helper()

	r := &restoration{
		path:     filepath.Join(t.TempDir(), "inbox.db"),
		clock:    clockwork.NewFakeClockAt(start),
		failures: make(chan string, 100),
	}
	r.Restorer = &Restorer{
		Install: func(ctx context.Context, size int64, write func(io.Writer) error) error {
			return sqlite.Install(ctx, r.path, size, write)
		},
		Report: func(text string, failed bool) {
			r.mu.Lock()
			defer r.mu.Unlock()

			if failed {
				r.failures <- text
			} else {
				r.progress = append(r.progress, text)
			}
		},
		Live: config.Fixed(config.Config{
			Store: config.Store{Embedded: &config.EmbeddedStore{Path: r.path, Backup: settings}},
		}, secrets),
		Clock: r.clock,
		Log:   slog.New(slog.NewTextHandler(&r.log, nil)),
	}

	return r
}

// exists reports whether there is a store.
func (r *restoration) exists(t *testing.T) bool {
	t.Helper()

	exists, err := sqlite.Exists(r.path)
	if err != nil {
		t.Fatal(err)
	}

	return exists
}

// copied makes copies in a bucket, a day apart, and returns the stand-in with the settings of the restore and the keys.
func copied(t *testing.T, restore string, copies int) (*s3.Server, *config.Backup, config.Secrets) {
	t.Helper()

	server, bucket, secrets := serve(t)
	settings := &config.Backup{Schedule: "0 12 * * *", S3: bucket, Restore: restore}
	f := newFixture(t, settings, secrets)

	for n := range copies {
		f.after(time.Duration(min(n, 1)) * day)
	}

	return server, settings, secrets
}

// TestRestore restores the newest copy, and one by its name.
func TestRestore(t *testing.T) {
	for restore, want := range map[string]string{
		config.RestoreNewest: nameAt(start.Add(day)),
		nameAt(start):        nameAt(start),
	} {
		t.Run(restore, func(t *testing.T) {
			_, settings, secrets := copied(t, restore, 2)
			r := newRestoration(t, settings, secrets)

			if err := r.Run(t.Context()); err != nil {
				t.Fatal(err)
			}

			inbox, err := sqlite.Open(t.Context(), r.path, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}

			defer func() {
				if err := inbox.Close(); err != nil {
					t.Error(err)
				}
			}()

			if progress := strings.Join(r.progress, "\n"); !r.exists(t) || !strings.Contains(progress, want+": checking") {
				t.Errorf("the progress was %s, want a restore of %s", progress, want)
			}

			if text := r.log.String(); !strings.Contains(text, want) || strings.Contains(text, secrets.BackupSecret) {
				t.Errorf("the log has %s, want the copy and no key", text)
			} else if !strings.Contains(text, "took_ms=0\n") {
				t.Errorf("the log has %s, want the time that the restore took, in milliseconds", text)
			}
		})
	}
}

// TestRestoreFromFolder restores a copy from a folder.
func TestRestoreFromFolder(t *testing.T) {
	settings := &config.Backup{Schedule: "@daily", Folder: t.TempDir(), Restore: config.RestoreNewest}
	newFixture(t, settings, config.Secrets{}).after(0)

	r := newRestoration(t, settings, config.Secrets{})
	if err := r.Run(t.Context()); err != nil || !r.exists(t) {
		t.Errorf("Run returned %v, and there is a store: %t", err, r.exists(t))
	}
}

// TestNothingToRestore begins an empty store where no copy is wanted or none was made.
func TestNothingToRestore(t *testing.T) {
	_, bucket, secrets := serve(t)

	for name, c := range map[string]struct {
		settings *config.Backup
		warned   bool
	}{
		"no backups":  {nil, false},
		"no restore":  {&config.Backup{Schedule: "@daily", S3: bucket}, false},
		"no copy":     {&config.Backup{Schedule: "@daily", S3: bucket, Restore: config.RestoreNewest}, true},
		"a new claim": {&config.Backup{Schedule: "@daily", Folder: t.TempDir(), Restore: config.RestoreNewest}, true},
	} {
		r := newRestoration(t, c.settings, secrets)

		if err := r.Run(t.Context()); err != nil || r.exists(t) || len(r.failures) > 0 {
			t.Errorf("%s: Run returned %v, and there is a store: %t", name, err, r.exists(t))
		}

		if warned := strings.Contains(r.log.String(), "level=WARN"); warned != c.warned {
			t.Errorf("%s: the log has %q, want a warning: %t", name, r.log.String(), c.warned)
		}
	}
}

// TestFailedRestore checks that the receiver waits, with a reason, and begins no empty store.
func TestFailedRestore(t *testing.T) {
	first := nameAt(start)
	object := prefix + "/" + first

	for name, c := range map[string]struct {
		restore string
		change  func(*s3.Server, *config.Backup, *config.Secrets)
		want    string
	}{
		"a name that is not there": {
			nameAt(start.Add(time.Hour)), func(*s3.Server, *config.Backup, *config.Secrets) {},
			"there is no complete backup of that name; the newest one is " + first,
		},
		"a copy without its checksum": {
			first, func(s *s3.Server, _ *config.Backup, _ *config.Secrets) { s.Delete(object + sumSuffix) },
			"there is no complete backup of that name; there is no other one either",
		},
		"an altered copy": {
			first, func(s *s3.Server, _ *config.Backup, _ *config.Secrets) { s.Set(object, []byte("altered")) }, "it is damaged",
		},
		"an altered checksum": {
			first, func(s *s3.Server, _ *config.Backup, _ *config.Secrets) { s.Set(object+sumSuffix, []byte("altered")) }, "sha256sum",
		},
		"no database": {
			first, func(s *s3.Server, _ *config.Backup, _ *config.Secrets) {
				const text = "some text that is not a database, with the right checksum"

				sum, err := hash(t.Context(), strings.NewReader(text))
				if err != nil {
					t.Error(err)
				}

				s.Set(object, []byte(text))
				s.Set(object+sumSuffix, []byte(sumLine(sum, first)))
			}, "not a store of a receiver",
		},
		"a wrong key": {
			config.RestoreNewest, func(_ *s3.Server, _ *config.Backup, k *config.Secrets) { k.BackupSecret = "other" },
			"the secret access key is wrong: correct the Secret",
		},
		"a missing key": {
			config.RestoreNewest, func(_ *s3.Server, _ *config.Backup, k *config.Secrets) { k.BackupKeyID = "" },
			"the secret backup-access-key-id or backup-secret-access-key is missing",
		},
		"a wrong bucket": {
			config.RestoreNewest, func(_ *s3.Server, b *config.Backup, _ *config.Secrets) { b.S3.Bucket = "others" },
			"the bucket does not exist",
		},
		"no route": {
			config.RestoreNewest, func(_ *s3.Server, b *config.Backup, _ *config.Secrets) { b.S3.Endpoint = "http://127.0.0.1:1" },
			"list the backups",
		},
		"no right to read": {
			config.RestoreNewest, func(s *s3.Server, _ *config.Backup, _ *config.Secrets) {
				s.Fail(func(r *http.Request) (int, string) {
					if strings.HasSuffix(r.URL.Path, ".db") {
						return http.StatusForbidden, "AccessDenied"
					}

					return 0, ""
				})
			}, "grant the rights to list, read, write and delete",
		},
		"no volume": {
			config.RestoreNewest, func(_ *s3.Server, b *config.Backup, _ *config.Secrets) {
				b.S3 = nil
				b.Folder = filepath.Join(t.TempDir(), "none")
			}, "list the backups",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			server, settings, secrets := copied(t, c.restore, 1)
			c.change(server, settings, &secrets)

			r := newRestoration(t, settings, secrets)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)

			go func() { ended <- r.Run(ctx) }()

			if got := <-r.failures; !strings.Contains(got, c.want) || !strings.Contains(got, "the next attempt is at 12:00:0") {
				t.Errorf("the reason is %q, want %q", got, c.want)
			}

			if err := r.clock.BlockUntilContext(ctx, 1); err != nil {
				t.Fatal(err)
			}

			r.clock.Advance(restoreDelay)

			if got := <-r.failures; !strings.Contains(got, c.want) { // again
				t.Errorf("the second reason is %q, want %q", got, c.want)
			}

			cancel()

			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("Run returned %v, want that it was canceled", err)
			}

			left, err := filepath.Glob(r.path + ".rest*")
			if r.exists(t) || err != nil || left != nil {
				t.Errorf("there is a store: %t, and the folder has %v, %v", r.exists(t), left, err)
			}
		})
	}
}

// TestRestoreOfFullDisk lets the disk be full, and then have room.
func TestRestoreOfFullDisk(t *testing.T) {
	_, settings, secrets := copied(t, config.RestoreNewest, 1)
	r := newRestoration(t, settings, secrets)
	install := r.Install
	full := true

	r.Install = func(ctx context.Context, size int64, write func(io.Writer) error) error {
		if full {
			full = false
			return store.ErrDiskFull
		}

		return install(ctx, size, write)
	}

	ended := make(chan error)

	go func() { ended <- r.Run(t.Context()) }()

	if got := <-r.failures; !strings.Contains(got, store.ErrDiskFull.Error()) {
		t.Errorf("the reason is %q, want the disk", got)
	}

	if err := r.clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}

	r.clock.Advance(restoreDelay)

	if err := <-ended; err != nil || !r.exists(t) {
		t.Errorf("Run returned %v, and there is a store: %t", err, r.exists(t))
	}
}

// TestRestoreFollowsTheConfiguration corrects what a restore waits for.
func TestRestoreFollowsTheConfiguration(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "receiver.yaml")
	copies := t.TempDir()
	newFixture(t, &config.Backup{Schedule: "@daily", Keep: 1, Folder: copies}, config.Secrets{}).after(0)

	write := func(restore string) {
		text := "bird: {baseURL: https://bridge.example.com, authScheme: Bearer}\nsecretsDir: " + folder +
			"\nstore: {embedded: {path: /store/inbox.db, backup: {schedule: '@daily', folder: " + copies + ", restore: " + restore + "}}}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	write(nameAt(start.Add(day)))

	r := newRestoration(t, nil, config.Secrets{})

	live, err := config.Open(file, r.clock, r.Log)
	if err != nil {
		t.Fatal(err)
	}

	r.Live = live
	ended := make(chan error)

	go func() { ended <- r.Run(t.Context()) }()

	<-r.failures
	write(nameAt(start))
	live.Reload()

	if err := r.clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}

	r.clock.Advance(changeInterval)

	if err := <-ended; err != nil || !r.exists(t) {
		t.Errorf("Run returned %v, and there is a store: %t", err, r.exists(t))
	}
}
