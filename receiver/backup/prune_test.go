// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// write writes a copy to a folder, with its checksum unless it is incomplete.
func write(t *testing.T, folder string, at time.Time, complete bool) {
	t.Helper()

	names := []string{nameAt(at)}
	if complete {
		names = append(names, nameAt(at)+sumSuffix)
	}

	for _, name := range names {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("a copy"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// copiesIn returns the names in a folder without those of checksums.
func copiesIn(t *testing.T, folder string) []string {
	t.Helper()

	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}

	var names []string

	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), sumSuffix) {
			names = append(names, entry.Name())
		}
	}

	return names
}

// limited is a folder without room for a copy when it has more than a number of them, complete or not.
type limited struct {
	folder

	most int
}

func (l limited) Put(ctx context.Context, name string, content Content, size int64) error {
	files, err := l.List(ctx)
	if err != nil {
		return err
	}

	copies := 0

	for _, file := range files {
		if strings.HasSuffix(file.Name, nameSuffix) {
			copies++
		}
	}

	if copies > l.most && strings.HasSuffix(name, nameSuffix) {
		return fmt.Errorf("write a backup: %w", errFull)
	}

	return l.folder.Put(ctx, name, content, size)
}

// TestFullTarget lets a target be full until old or incomplete copies are deleted.
func TestFullTarget(t *testing.T) {
	for name, c := range map[string]struct {
		complete, incomplete []int // ages, in days
		keep, most           int
		want                 []int
	}{
		"more than keep":          {[]int{1, 2, 3, 4, 5}, nil, 2, 2, []int{0, 1}},
		"a newer incomplete one":  {[]int{2, 3}, []int{1}, 2, 2, []int{0, 2}},
		"only incomplete ones":    {nil, []int{1, 2}, 2, 1, []int{0}},
		"the newest always stays": {[]int{400}, []int{401, 1}, 1, 1, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			settings := &config.Backup{Schedule: "@daily", Keep: c.keep, Folder: t.TempDir()}
			f := newFixture(t, settings, config.Secrets{})
			f.open = func(*config.Backup, config.Secrets) (Target, error) {
				return limited{folder(settings.Folder), c.most}, nil
			}

			for _, age := range c.complete {
				write(t, settings.Folder, start.Add(-time.Duration(age)*day), true)
			}

			for _, age := range c.incomplete {
				write(t, settings.Folder, start.Add(-time.Duration(age)*day), false)
			}

			f.after(0)

			var want []string
			for i := range c.want {
				want = append(want, nameAt(start.Add(-time.Duration(c.want[len(c.want)-1-i])*day)))
			}

			if diff := cmp.Diff(want, copiesIn(t, settings.Folder)); diff != "" {
				t.Errorf("copies (-want +got):\n%s%s", diff, f.log.String())
			}

			if state := f.State(); state.LastError != "" || state.LastSuccessAt == nil || !state.LastSuccessAt.Equal(start) {
				t.Errorf("%+v, want a copy of now", state)
			}
		})
	}
}

// TestBucketQuota lowers keep when the quota of a bucket is used up. Until then the problem says what helps.
func TestBucketQuota(t *testing.T) {
	server, bucket, secrets := serve(t)
	f := newFixture(t, &config.Backup{Schedule: "@daily", Keep: 5, S3: bucket}, secrets)

	for range 3 {
		f.after(day)
	}

	server.Fail(func(r *http.Request) (int, string) {
		if r.Method == http.MethodPut && len(server.Keys()) > 5 {
			return http.StatusForbidden, "QuotaExceeded"
		}

		return 0, ""
	})

	f.after(day)

	if got := f.Problems()["backup"]; !strings.Contains(got, "keep fewer backups") {
		t.Errorf("the problem is %q, want what helps", got)
	}

	f.configure(&config.Backup{Schedule: "@daily", Keep: 2, S3: bucket}, secrets)
	f.after(time.Minute)

	if state := f.State(); state.Copies != 2 || !state.LastSuccessAt.Equal(f.clock.Now()) || state.LastError != "" {
		t.Errorf("%+v, want 2 copies, the newest of now: %s", state, f.log.String())
	}
}

// TestFailedChecksum lets a bucket refuse the file with the checksum. The copy that lacks it does not stay.
func TestFailedChecksum(t *testing.T) {
	server, bucket, secrets := serve(t)
	f := newFixture(t, &config.Backup{Schedule: "@daily", Keep: 2, S3: bucket}, secrets)

	server.Fail(func(r *http.Request) (int, string) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, sumSuffix) {
			return http.StatusForbidden, "AccessDenied"
		}

		return 0, ""
	})
	f.after(0)
	f.want(0, time.Time{}, start, "the keys may not do this")

	if keys := server.Keys(); len(keys) != 0 {
		t.Errorf("the bucket has %v, want nothing", keys)
	}
}

// TestKeepDays deletes copies by their age while no copy is due, except the newest.
func TestKeepDays(t *testing.T) {
	settings := &config.Backup{Schedule: "@monthly", Keep: 14, KeepDays: 7, Folder: t.TempDir()}
	f := newFixture(t, settings, config.Secrets{})
	old := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

	f.after(old.Sub(start))
	f.want(1, old, old.AddDate(0, 1, 0), "")
	write(t, settings.Folder, old.Add(-day), true)
	write(t, settings.Folder, old.Add(-2*day), true)
	write(t, settings.Folder, old.Add(-3*day), false)

	for range 10 * 24 {
		f.after(time.Hour)

		for _, name := range copiesIn(t, settings.Folder) {
			at, _ := timeOf(name)
			if age := f.clock.Since(at); age > 7*day+time.Hour && !at.Equal(old) {
				t.Fatalf("%s is %v old", name, age)
			}
		}
	}

	f.want(1, old, old.AddDate(0, 1, 0), "")

	if diff := cmp.Diff([]string{nameAt(old)}, copiesIn(t, settings.Folder)); diff != "" {
		t.Errorf("copies (-want +got):\n%s", diff)
	}
}

// TestDeletionIsRepeated lets a bucket refuse to delete a copy. The next attempt comes before the next time of the schedule.
func TestDeletionIsRepeated(t *testing.T) {
	server, bucket, secrets := serve(t)
	settings := &config.Backup{Schedule: "@monthly", Keep: 1, S3: bucket}
	f := newFixture(t, settings, secrets)

	f.after(0)

	server.Fail(func(r *http.Request) (int, string) {
		if r.Method == http.MethodDelete {
			return http.StatusForbidden, "AccessDenied"
		}

		return 0, ""
	})

	first := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	f.after(first.Sub(start))
	f.want(2, first, first.AddDate(0, 1, 0), "the keys may not do this")

	server.Fail(nil)
	f.after(maxRetryDelay)
	f.want(1, first, first.AddDate(0, 1, 0), "")
}
