// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

const (
	first  = "20261126T030000Z"
	second = "20261127T030000Z"
	third  = "20261128T030000Z"
	ahead  = "20271128T030000Z"
)

func dbOf(stamp string) string { return namePrefix + stamp + nameSuffix }

func sumOfDB(stamp string) string { return dbOf(stamp) + sumSuffix }

func alone(name string) []File { return []File{{name, 1}} }

func timeAt(stamp string) time.Time {
	at, _ := timeOf(dbOf(stamp))

	return at
}

// whole returns the files of complete copies.
func whole(stamps ...string) []File {
	var files []File
	for _, stamp := range stamps {
		files = append(files, File{dbOf(stamp), 1}, File{sumOfDB(stamp), 1})
	}

	return files
}

func TestObsolete(t *testing.T) {
	for name, c := range map[string]struct {
		files []File
		keep  int
		want  []string
	}{
		"none":              {nil, 1, nil},
		"the newest stays":  {whole(first), 1, nil},
		"enough":            {whole(third, second), 2, nil},
		"too many":          {whole(first, third, second), 2, []string{sumOfDB(first), dbOf(first)}},
		"too old":           {whole(first, third, second), 3, []string{sumOfDB(first), dbOf(first)}},
		"a clock was ahead": {whole(second, ahead), 1, []string{sumOfDB(ahead), dbOf(ahead)}},
		"all were ahead":    {whole(ahead), 1, nil},
		"incomplete":        {append(whole(third), alone(dbOf(second))...), 1, nil},
		"files of others":   {append(whole(third), File{"inbox.db", 1}, File{"notes.txt", 1}), 1, nil},
	} {
		if diff := cmp.Diff(c.want, obsolete(c.files, c.keep, timeAt(second), timeAt(third))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestIncomplete(t *testing.T) {
	for name, c := range map[string]struct {
		files []File
		want  []string
	}{
		"none":            {nil, nil},
		"complete":        {whole(first, second, third), nil},
		"a copy alone":    {append(whole(second), alone(dbOf(first))...), []string{dbOf(first)}},
		"a sum alone":     {append(whole(second), alone(sumOfDB(first))...), []string{sumOfDB(first)}},
		"begun later":     {append(whole(first), alone(dbOf(second))...), nil},
		"a clock ahead":   {append(whole(first), alone(dbOf(ahead))...), []string{dbOf(ahead)}},
		"no complete one": {alone(dbOf(first)), []string{dbOf(first)}},
		"files of others": {[]File{{"inbox.db", 1}, {"notes.txt", 1}}, nil},
	} {
		if diff := cmp.Diff(c.want, incomplete(c.files, timeAt(second), timeAt(second))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestForeignFiles lists a copy among more files of others than are looked at.
func TestForeignFiles(t *testing.T) {
	server, settings, secrets := serve(t)
	directory := t.TempDir()
	empty := filepath.Join(t.TempDir(), "empty")

	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}

	add := func(name string) {
		t.Helper()
		server.Set(prefix+"/"+name, nil)

		if err := os.Link(empty, filepath.Join(directory, name)); err != nil {
			t.Fatal(err)
		}
	}

	for n := range maxFiles/2 + 1 {
		add(fmt.Sprintf("archive-%05d", n))
		add(fmt.Sprintf("inbox-%05d", n))
	}

	for _, file := range whole(third) {
		add(file.Name)
	}

	server.Set(prefix+"/inbox-old/"+dbOf(first), nil)

	for name, target := range map[string]Target{
		"folder": folder(directory),
		"bucket": openBucket(t, settings, secrets),
	} {
		t.Run(name, func(t *testing.T) {
			files, err := target.List(t.Context())
			if err != nil || len(files) != 2 || len(Complete(files, start)) != 1 {
				t.Errorf("listed %d files, %v, want those of the copy", len(files), err)
			}
		})
	}
}

// TestPrefix checks that only the files of copies are asked for.
func TestPrefix(t *testing.T) {
	server, settings, secrets := serve(t)
	target := openBucket(t, settings, secrets)

	server.Fail(func(r *http.Request) (int, string) {
		if query := r.URL.Query(); query.Has("prefix") && query.Get("prefix") != prefix+"/"+namePrefix {
			t.Errorf("%s was asked for", query.Get("prefix"))
		}

		return 0, ""
	})

	if _, err := target.List(t.Context()); err != nil {
		t.Error(err)
	}

	if err := target.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestNewestFiles looks at the newest copies of too many: without them, one would be due at once.
func TestNewestFiles(t *testing.T) {
	var all listing

	begin := timeAt(first)

	for n := range 3 * maxFiles {
		name := nameAt(begin.Add(time.Duration(n) * time.Hour))
		all.add(name, 1)
		all.add(name+sumSuffix, 1)
	}

	last := begin.Add((3*maxFiles - 1) * time.Hour)

	copies := Complete(all.newest(), last)
	if len(copies) != maxFiles/2 || !copies[0].At.Equal(last) {
		t.Errorf("%d copies, the newest of %v, want %d and %v", len(copies), copies[0].At, maxFiles/2, last)
	}
}

// TestPages lists several pages, and ends a listing in its middle. A part of the files would look like incomplete copies, and
// nothing like a target from which a store begins empty.
func TestPages(t *testing.T) {
	server, settings, secrets := serve(t)
	target := openBucket(t, settings, secrets)

	for n := range 600 {
		name := nameAt(start.Add(time.Duration(n) * time.Hour))
		server.Set(prefix+"/"+name, nil)
		server.Set(prefix+"/"+name+sumSuffix, nil)
	}

	if files, err := target.List(t.Context()); err != nil || len(files) != 1200 {
		t.Errorf("listed %d files, %v, want all pages", len(files), err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	server.Fail(func(r *http.Request) (int, string) {
		if r.URL.Query().Has("continuation-token") {
			cancel()
		}

		return 0, ""
	})

	if files, err := target.List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("listed %d files, %v, want that it was canceled", len(files), err)
	}

	if found, err := find(ctx, target, config.RestoreNewest); !errors.Is(err, context.Canceled) {
		t.Errorf("found %v, %v, want that it was canceled", found, err)
	}
}
