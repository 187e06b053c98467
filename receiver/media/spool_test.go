// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	number = "42"
	token  = "token"
)

// lookupFunc answers lookups instead of the Graph API.
type lookupFunc func(mediaID string) (cloudapi.MediaInfo, error)

func (f lookupFunc) MediaInfo(_ context.Context, _, mediaID string) (cloudapi.MediaInfo, error) {
	return f(mediaID)
}

// fixture is a spool that uses server as its Graph API, at a loopback address from the configuration.
type fixture struct {
	spool  *Spool
	server *httptest.Server
	dir    string
	live   *config.Live
}

func newFixture(t *testing.T, handler http.Handler, settings config.Media, lookup Lookup) *fixture {
	t.Helper()
	f := &fixture{server: httptest.NewServer(handler), dir: filepath.Join(t.TempDir(), "spool")}
	t.Cleanup(f.server.Close)
	settings.SpoolDir = f.dir

	f.live = config.Fixed(config.Config{CloudAPI: config.CloudAPI{BaseURL: f.server.URL}, Media: settings}, config.Secrets{AccessToken: token})
	if lookup == nil {
		graph := cloudapi.NewClient(f.live, 1, clockwork.NewRealClock())
		t.Cleanup(graph.Close)
		lookup = graph
	}

	var err error
	if f.spool, err = Open(f.live, lookup, clockwork.NewRealClock()); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(f.spool.Close)

	return f
}

// checkEmpty checks that the spool contains no file and that no space is reserved.
func (f *fixture) checkEmpty(t *testing.T) {
	t.Helper()

	entries, err := os.ReadDir(f.dir)
	if err != nil || len(entries) != 0 || f.spool.Bytes() != 0 {
		t.Errorf("spool contains %v and %d bytes (%v), want nothing", entries, f.spool.Bytes(), err)
	}
}

func (f *fixture) remove(t *testing.T, file *File) {
	t.Helper()

	if err := file.Remove(); err != nil {
		t.Error(err)
	}
}

func sums(content []byte) (inHex, inBase64 string) {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:])
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestLentFilesStay(t *testing.T) {
	f := newFixture(t, http.NotFoundHandler(), config.Media{MaxSpoolBytes: 100, AllowedHosts: []string{"cdn.test"}}, lookupFunc(func(string) (cloudapi.MediaInfo, error) {
		return cloudapi.MediaInfo{URL: "https://cdn.test/x", FileSize: 60}, nil
	}))
	f.spool.http.Intercept(roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK,
			Header:     http.Header{},
			Body:       io.NopCloser(bytes.NewReader(make([]byte, 60))),
			Request:    r,
		}, nil
	}))

	file, err := f.spool.Fetch(t.Context(), number, Expected{ID: "1"})
	if err != nil {
		t.Fatal(err)
	}

	for range 2 {
		if !file.Acquire() {
			t.Fatal("the file cannot be lent")
		}
	}

	f.remove(t, file)
	f.remove(t, file)

	if file.Acquire() {
		t.Error("a removed file is lent")
	}

	for range 2 {
		if _, err := os.Stat(file.Path); err != nil || f.spool.Bytes() != 60 {
			t.Errorf("the lent file is gone (%v), %d bytes are reserved", err, f.spool.Bytes())
		}

		if err := file.Release(); err != nil {
			t.Error(err)
		}
	}

	f.checkEmpty(t)
}

func TestFetchWaitsForSpace(t *testing.T) {
	var lookups []string

	f := newFixture(t, http.NotFoundHandler(), config.Media{MaxSpoolBytes: 100, AllowedHosts: []string{"cdn.test"}}, lookupFunc(func(id string) (cloudapi.MediaInfo, error) {
		lookups = append(lookups, id)
		return cloudapi.MediaInfo{URL: "https://cdn.test/x", FileSize: 60}, nil
	}))
	f.spool.http.Intercept(roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode:    http.StatusOK,
			Header:        http.Header{},
			Body:          io.NopCloser(bytes.NewReader(make([]byte, 60))),
			ContentLength: 60,
			Request:       r,
		}, nil
	}))

	fetch := func(ctx context.Context, id string) (*File, error) {
		return f.spool.Fetch(ctx, number, Expected{ID: id})
	}
	synctest.Test(t, func(t *testing.T) {
		first, err := fetch(t.Context(), "1")
		if err != nil {
			t.Fatal(err)
		}

		ctx, cancel := context.WithCancel(t.Context())

		var waiting sync.WaitGroup
		waiting.Go(func() {
			if _, err := fetch(ctx, "2"); failure.Of(err).Code != "no_room" || failure.Of(err).Class != failure.Transient {
				t.Errorf("Fetch() error = %v, want a transient no_room", err)
			}
		})
		synctest.Wait()
		waiting.Go(func() {
			third, err := fetch(t.Context(), "3")
			if err != nil {
				t.Error(err)
				return
			}

			if got := f.spool.Bytes(); got != 60 {
				t.Errorf("spool has %d bytes, want only the third file's", got)
			}

			f.remove(t, third)
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		f.remove(t, first)
		waiting.Wait()
	})
	// The URL may expire while the download waits for space, so it is looked up again.
	if diff := cmp.Diff([]string{"1", "2", "3", "3"}, lookups); diff != "" {
		t.Errorf("lookups (-want +got):\n%s", diff)
	}

	f.checkEmpty(t)
}

func TestOpenRemovesOnlyItsOwnFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{filePrefix + "1", "foreign.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if err := errors.Join(os.Mkdir(filepath.Join(dir, filePrefix+"folder"), 0o700), os.Symlink("foreign.txt", filepath.Join(dir, filePrefix+"link"))); err != nil {
		t.Fatal(err)
	}

	live := config.Fixed(config.Config{Media: config.Media{SpoolDir: dir}}, config.Secrets{})

	spool, err := Open(live, nil, clockwork.NewRealClock())
	if err != nil {
		t.Fatal(err)
	}

	spool.Close()

	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}

	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}

	if diff := cmp.Diff([]string{"foreign.txt", filePrefix + "folder", filePrefix + "link"}, names); diff != "" {
		t.Errorf("remaining (-want +got):\n%s", diff)
	}

	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode = %v, %v, want 0700", info.Mode(), err)
	}

	if _, err := Open(config.Fixed(config.Config{Media: config.Media{SpoolDir: filepath.Join(dir, "foreign.txt")}}, config.Secrets{}), nil, clockwork.NewRealClock()); err == nil {
		t.Error("Open() accepted a file as a directory")
	}
}
