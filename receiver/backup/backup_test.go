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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

var start = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// fixture is a scheduler with a real store, whose clock is turned by hand.
type fixture struct {
	*Scheduler

	t     *testing.T
	clock *clockwork.FakeClock
	log   bytes.Buffer
}

func newFixture(t *testing.T, settings *config.Backup, secrets config.Secrets) *fixture {
	t.Helper()

	path := filepath.Join(t.TempDir(), "inbox.db")

	inbox, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = inbox.Close() })

	f := &fixture{t: t, clock: clockwork.NewFakeClockAt(start)}
	f.Scheduler = New(Dependencies{
		Store: inbox,
		Clock: f.clock,
		Log:   slog.New(slog.NewTextHandler(&f.log, nil)),
	})
	f.configure(settings, secrets)

	return f
}

// configure puts settings and keys into force with the next look.
func (f *fixture) configure(settings *config.Backup, secrets config.Secrets) {
	f.Live = config.Fixed(config.Config{
		Store: config.Store{Embedded: &config.EmbeddedStore{Path: "/data/inbox.db", Backup: settings}},
	}, secrets)
}

// after turns the clock on and looks.
func (f *fixture) after(wait time.Duration) {
	f.t.Helper()
	f.clock.Advance(wait)
	f.tick(f.t.Context())
}

// want checks the state.
func (f *fixture) want(copies int, last, next time.Time, problem string) {
	f.t.Helper()

	state := f.State()
	if state.Copies != copies || !state.NextAt.Equal(next) || (state.LastSuccessAt == nil) != last.IsZero() {
		f.t.Fatalf("%+v, want %d copies and the next at %v; %s", state, copies, next, f.log.String())
	}

	if !last.IsZero() && !state.LastSuccessAt.Equal(last) {
		f.t.Errorf("the last copy is of %v, want %v", state.LastSuccessAt, last)
	}

	if got := f.Problems()["backup"]; (got == "") != (problem == "") || !strings.Contains(got, problem) {
		f.t.Errorf("the problem is %q, want %q", got, problem)
	}
}

// TestSchedule makes the first copy at once and others by the schedule, keeps the newest, and makes up for a time at which the
// process did not run.
func TestSchedule(t *testing.T) {
	settings := &config.Backup{Schedule: "0 3 * * *", Keep: 2, Folder: t.TempDir()}
	f := newFixture(t, settings, config.Secrets{})
	night := start.Add(15 * time.Hour)

	f.after(0)
	f.want(1, start, night, "")

	if text := f.log.String(); !strings.Contains(text, "took_ms=0\n") {
		t.Errorf("the log has %s, want the time that the copy took, in milliseconds", text)
	}

	f.after(14 * time.Hour)
	f.want(1, start, night, "")

	f.after(time.Hour)
	f.want(2, night, night.Add(day), "")

	f.after(day)
	f.want(2, night.Add(day), night.Add(2*day), "")

	files, err := os.ReadDir(settings.Folder)
	if err != nil || len(files) != 4 {
		t.Errorf("the folder has %v, %v, want two copies with their checksums", files, err)
	}

	f.Scheduler = New(f.Dependencies) // a restart
	f.after(time.Hour)
	f.want(2, night.Add(day), night.Add(2*day), "")

	missed := 2*day + time.Hour
	f.Scheduler = New(f.Dependencies)
	f.after(missed)

	f.want(2, night.Add(day+time.Hour).Add(missed), night.Add(4*day), "")
}

// TestFailedBackups lets a bucket refuse, and looks at the waits, the problem and the existing copies.
func TestFailedBackups(t *testing.T) {
	server, bucket, secrets := serve(t)
	f := newFixture(t, &config.Backup{Schedule: "0 3 * * *", Keep: 2, S3: bucket}, secrets)

	f.after(0)
	f.want(1, start, start.Add(15*time.Hour), "")

	puts := 0

	server.Fail(func(r *http.Request) (int, string) {
		if r.Method != http.MethodPut {
			return 0, ""
		}

		puts++

		return http.StatusForbidden, "AccessDenied"
	})

	f.after(day)
	f.want(1, start, start.Add(15*time.Hour), "the keys may not do this")

	if puts != 1 {
		t.Errorf("there were %d requests, want one: what is refused is not repeated at once", puts)
	}

	f.after(time.Minute)

	if puts != 1 {
		t.Errorf("the next attempt came at once, want a wait")
	}

	server.Fail(nil)
	f.after(maxRetryDelay)

	recovered := start.Add(day + time.Minute + maxRetryDelay)
	f.want(2, recovered, recovered.Truncate(day).Add(day+3*time.Hour), "")

	if text := f.log.String(); strings.Contains(text, secrets.BackupSecret) || strings.Contains(text, secrets.BackupKeyID) {
		t.Errorf("the log has a key: %s", text)
	}
}

// TestOverdue lets a scheduler fail until its backup is overdue.
func TestOverdue(t *testing.T) {
	server, bucket, secrets := serve(t)
	f := newFixture(t, &config.Backup{Schedule: "@hourly", Keep: 2, S3: bucket}, secrets)

	server.Fail(func(*http.Request) (int, string) { return http.StatusForbidden, "AccessDenied" })
	f.after(0)
	f.want(0, time.Time{}, start, "no complete backup is known")

	if want := start.Add(time.Hour); !f.State().OverdueAt.Equal(want) {
		t.Errorf("it is overdue at %v, want %v", f.State().OverdueAt, want)
	}
}

// TestOverdueInSpiteOfRestarts restarts more often than the schedule has times, while no copy can be made.
func TestOverdueInSpiteOfRestarts(t *testing.T) {
	for name, c := range map[string]struct {
		copies bool
		fails  func(*http.Request) bool
		keys   bool
	}{
		"the copies cannot be listed":       {true, func(*http.Request) bool { return true }, true},
		"the keys are missing":              {true, func(*http.Request) bool { return false }, false},
		"there is none, and none is stored": {false, func(r *http.Request) bool { return r.Method == http.MethodPut }, true},
		"none has been stored since":        {true, func(r *http.Request) bool { return r.Method == http.MethodPut }, true},
	} {
		t.Run(name, func(t *testing.T) {
			server, bucket, secrets := serve(t)
			settings := &config.Backup{Schedule: "@weekly", Keep: 2, S3: bucket}
			f := newFixture(t, settings, secrets)

			if c.copies {
				f.after(0)
				f.want(1, start, start.Truncate(day).Add(day), "")
			}

			server.Fail(func(r *http.Request) (int, string) {
				if c.fails(r) {
					return http.StatusForbidden, "AccessDenied"
				}

				return 0, ""
			})

			if !c.keys {
				f.configure(settings, config.Secrets{})
			}

			overdue := false

			for range 6 {
				f.Scheduler = New(f.Dependencies)
				f.after(0)

				for range 5 {
					f.after(day)

					overdue = overdue || f.clock.Now().After(f.State().OverdueAt)
				}
			}

			if !overdue {
				t.Errorf("it is overdue at %v", f.State().OverdueAt)
			}

			if problem := f.Problems()["backup"]; problem == "" {
				t.Error("there is no problem")
			}
		})
	}
}

// TestStartIsNotOverdue checks that a start alone is not a problem, whatever the time of the first copy.
func TestStartIsNotOverdue(t *testing.T) {
	_, bucket, _ := serve(t)
	f := newFixture(t, &config.Backup{Schedule: "@weekly", Keep: 2, S3: bucket}, config.Secrets{})

	f.after(0)
	f.after(overdueAfter)
	f.want(0, time.Time{}, start, "")

	f.after(time.Minute)
	f.want(0, time.Time{}, start, "no backup was made within an hour of the start")
}

// TestMissingKeys checks that nothing is called without keys.
func TestMissingKeys(t *testing.T) {
	server, bucket, _ := serve(t)
	server.Fail(func(*http.Request) (int, string) {
		t.Error("the bucket was called")
		return http.StatusForbidden, "AccessDenied"
	})

	f := newFixture(t, &config.Backup{Schedule: "@hourly", Keep: 2, S3: bucket}, config.Secrets{})
	f.after(0)
	f.want(0, time.Time{}, start, "")
}

// TestNoSchedule checks a configuration without copies.
func TestNoSchedule(t *testing.T) {
	f := newFixture(t, nil, config.Secrets{})
	f.after(0)

	if f.State() != nil || f.Problems() != nil {
		t.Errorf("state %v with problems %v, want none", f.State(), f.Problems())
	}
}

// TestAlteredCopies alters copies in a bucket, while one is written and afterwards.
func TestAlteredCopies(t *testing.T) {
	server, bucket, secrets := serve(t)
	f := newFixture(t, &config.Backup{Schedule: "0 3 * * *", Keep: 2, S3: bucket}, secrets)
	target := openBucket(t, bucket, secrets)

	f.after(0)
	f.want(1, start, start.Add(15*time.Hour), "")

	name := nameAt(start)

	found, err := find(t.Context(), target, config.RestoreNewest)
	if err != nil || found.Name != name {
		t.Fatalf("found %v, %v, want %s", found, err, name)
	}

	var content bytes.Buffer
	if err := download(t.Context(), target, found, &content); err != nil || found.Size != int64(content.Len()) {
		t.Fatalf("downloaded %d bytes of %d, %v", content.Len(), found.Size, err)
	}

	server.Set(prefix+"/"+name, append(content.Bytes(), 0))

	if err := download(t.Context(), target, found, io.Discard); !errors.Is(err, errAltered) {
		t.Errorf("an altered copy was downloaded with %v", err)
	}

	if _, err := find(t.Context(), target, nameAt(start.Add(day))); !errors.Is(err, errNone) {
		t.Errorf("a copy that is not there was found with %v", err)
	}

	// A bucket that stores something else than it was sent.
	server.Fail(func(r *http.Request) (int, string) {
		if key := strings.TrimPrefix(r.URL.Path, "/"+server.Bucket+"/"); r.Method == http.MethodGet && strings.HasSuffix(key, ".db") {
			server.Set(key, []byte("other"))
		}

		return 0, ""
	})

	f.after(day)
	f.want(1, start, start.Add(15*time.Hour), "differs")

	if diff := cmp.Diff([]string{prefix + "/" + name, prefix + "/" + name + sumSuffix}, server.Keys()); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// damaged is a store whose copies are damaged.
type damaged struct{}

func (damaged) Backup(context.Context) (store.Copy, int64, error) {
	return nil, 0, store.ErrBackupDamaged
}

// TestDamagedStore checks that a damaged copy replaces no good one.
func TestDamagedStore(t *testing.T) {
	folder := t.TempDir()
	f := newFixture(t, &config.Backup{Schedule: "0 3 * * *", Keep: 1, Folder: folder}, config.Secrets{})

	f.after(0)
	f.Store = damaged{}
	f.after(day)
	f.want(1, start, start.Add(15*time.Hour), "the backup is damaged")
}

// TestRunEnds checks that the scheduler works by itself, and ends with its context.
func TestRunEnds(t *testing.T) {
	f := newFixture(t, &config.Backup{Schedule: "@hourly", Keep: 5, Folder: t.TempDir()}, config.Secrets{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	made := make(chan struct{}, 10)

	f.Store = counted{f.Store, made}

	go func() {
		defer close(ended)

		f.Run(ctx)
	}()

	<-made

	if err := f.clock.BlockUntilContext(ctx, 1); err != nil {
		t.Fatal(err)
	}

	f.clock.Advance(time.Hour)
	<-made
	cancel()
	<-ended
}

// counted reports each copy of a store.
type counted struct {
	store.BackedUp

	made chan<- struct{}
}

func (c counted) Backup(ctx context.Context) (store.Copy, int64, error) {
	c.made <- struct{}{}

	return c.BackedUp.Backup(ctx)
}
