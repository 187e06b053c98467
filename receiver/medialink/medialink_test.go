// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package medialink

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	now   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	photo = store.NewID(store.KindMessage, "42", "wamid.1")
)

func TestTokens(t *testing.T) {
	token := newToken("secret", photo, now.Add(Validity))

	flipped := []byte(token)
	flipped[0] ^= 1

	for name, tc := range map[string]struct {
		token   string
		secrets []string
		at      time.Time
		want    bool
	}{
		"valid":                    {token, []string{"secret"}, now, true},
		"at its last second":       {token, []string{"secret"}, now.Add(Validity - time.Second), true},
		"expired":                  {token, []string{"secret"}, now.Add(Validity), false},
		"during a rotation":        {token, []string{"new", "secret"}, now, true},
		"after a rotation":         {token, []string{"new"}, now, false},
		"no secret":                {token, nil, now, false},
		"another event":            {string(flipped), []string{"secret"}, now, false},
		"cut":                      {token[:len(token)-1], []string{"secret"}, now, false},
		"longer":                   {token + "A", []string{"secret"}, now, false},
		"with padding":             {token + "=", []string{"secret"}, now, false},
		"with a line break":        {token + "\n", []string{"secret"}, now, false},
		"empty":                    {"", []string{"secret"}, now, false},
		"of the secret itself":     {newToken("secret", photo, now.Add(-time.Second)), []string{"secret"}, now, false},
		"another time, same token": {newToken("other", photo, now.Add(Validity)), []string{"secret"}, now, false},
	} {
		t.Run(name, func(t *testing.T) {
			event, ok := eventOf(tc.token, tc.secrets, tc.at)
			if ok != tc.want || ok && event != photo {
				t.Errorf("eventOf() = %s, %t, want %t", event, ok, tc.want)
			}
		})
	}
}

func TestURL(t *testing.T) {
	for name, tc := range map[string]struct {
		publicURL string
		secrets   []string
		want      string // its beginning
	}{
		"host":          {"https://hooks.example.com", []string{"a"}, "https://hooks.example.com/media/"},
		"with a slash":  {"https://hooks.example.com/", []string{"a"}, "https://hooks.example.com/media/"},
		"no public URL": {"", []string{"a"}, ""},
		"no app secret": {"https://hooks.example.com", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			live := config.Fixed(config.Config{Webhook: config.Webhook{PublicURL: tc.publicURL}}, config.Secrets{AppSecrets: tc.secrets})

			got := URL(live.Current(), photo, now)
			if !strings.HasPrefix(got, tc.want) || (got == "") != (tc.want == "") {
				t.Errorf("URL() = %q, want %q…", got, tc.want)
			}
		})
	}
}

// files is a source of files.
type files struct {
	file *media.File
	err  error
	open atomic.Int64
	wait chan struct{} // if not nil, OpenFile waits for it
}

func (f *files) OpenFile(ctx context.Context, event store.ID) (*media.File, func(), error) {
	if event != photo {
		return nil, nil, ErrNoFile
	}

	f.open.Add(1)

	if f.wait != nil {
		select {
		case <-f.wait:
		case <-ctx.Done():
		}
	}

	if f.err != nil {
		f.open.Add(-1)
		return nil, nil, f.err
	}

	return f.file, func() { f.open.Add(-1) }, nil
}

func newHandler(t *testing.T, source Files) (*Handler, *metrics.Metrics) {
	t.Helper()

	clock := clockwork.NewFakeClockAt(now)
	counted := metrics.New(clock)

	return NewHandler(Dependencies{
		Files:   source,
		Live:    config.Fixed(config.Config{}, config.Secrets{AppSecrets: []string{"secret"}}),
		Metrics: counted,
		Clock:   clock,
		Log:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	}), counted
}

// TestAIThatDisconnectsIsNoFailure checks that the log has no failure of a download that ended since the AI has left.
func TestAIThatDisconnectsIsNoFailure(t *testing.T) {
	for name, hasLeft := range map[string]bool{"left": true, "waits": false} {
		t.Run(name, func(t *testing.T) {
			handler, _ := newHandler(t, &files{err: &failure.Error{Class: failure.Transient, Code: "canceled"}})

			var log strings.Builder

			handler.Log = slog.New(slog.NewTextHandler(&log, nil))

			ctx, leave := context.WithCancel(t.Context())
			defer leave()

			if hasLeft {
				leave()
			}

			path := config.MediaPath + newToken("secret", photo, now.Add(Validity))
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody))

			if isLogged := log.String() != ""; isLogged == hasLeft {
				t.Errorf("the log has %q", log.String())
			}
		})
	}
}

func spooled(t *testing.T, content []byte, mimeType, filename string) *media.File {
	t.Helper()

	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}

	return &media.File{
		Path:     path,
		Size:     int64(len(content)),
		MimeType: mimeType,
		Filename: filename,
	}
}

func TestServeFiles(t *testing.T) {
	valid := config.MediaPath + newToken("secret", photo, now.Add(Validity))
	unknown := config.MediaPath + newToken("secret", store.NewID(store.KindMessage, "42", "other"), now.Add(Validity))
	expired := config.MediaPath + newToken("secret", photo, now)

	for name, tc := range map[string]struct {
		method, path       string
		mimeType, filename string
		err                error
		status             int
		header             map[string]string
		result             metrics.LinkResult
	}{
		"a photo": {
			method: http.MethodGet, path: valid, mimeType: "image/jpeg", status: 200, result: metrics.LinkServed,
			header: map[string]string{
				"Content-Type":            "image/jpeg",
				"Content-Length":          "1000000",
				"Content-Disposition":     "attachment",
				"Cache-Control":           "no-store",
				"X-Content-Type-Options":  "nosniff",
				"Content-Security-Policy": "default-src 'none'; sandbox",
			},
		},
		"only its headers": {
			method: http.MethodHead, path: valid, mimeType: "image/jpeg", status: 200, result: metrics.LinkServed,
			header: map[string]string{"Content-Length": "1000000", "Content-Type": "image/jpeg"},
		},
		"a recording": {
			method: http.MethodGet, path: valid, mimeType: "audio/ogg; codecs=opus", status: 200, result: metrics.LinkServed,
			header: map[string]string{"Content-Type": "audio/ogg; codecs=opus"},
		},
		"a document with a hostile name": {
			method: http.MethodGet, path: valid, mimeType: "text/html\r\nX: 1", filename: "../a\"\r\nb.html", status: 200, result: metrics.LinkServed,
			header: map[string]string{"Content-Type": "application/octet-stream", "X": ""},
		},
		"a document": {
			method: http.MethodGet, path: valid, mimeType: "application/pdf", filename: "precios año.pdf", status: 200, result: metrics.LinkServed,
			header: map[string]string{"Content-Disposition": "attachment; filename*=utf-8''precios%20a%C3%B1o.pdf"},
		},
		"expired":         {method: http.MethodGet, path: expired, status: 404, result: metrics.LinkUnknown},
		"unknown":         {method: http.MethodGet, path: unknown, status: 404, result: metrics.LinkUnknown},
		"no token":        {method: http.MethodGet, path: config.MediaPath, status: 404, result: metrics.LinkUnknown},
		"below the token": {method: http.MethodGet, path: valid + "/x", status: 404, result: metrics.LinkUnknown},
		"gone": {
			method: http.MethodGet, path: valid, status: 404, result: metrics.LinkUnknown,
			err: &failure.Error{Class: failure.Permanent, Code: "media_gone"},
		},
		"Meta is away": {
			method: http.MethodGet, path: valid, status: 503, result: metrics.LinkFailed,
			err:    &failure.Error{Class: failure.Transient, Code: "timeout"},
			header: map[string]string{"Retry-After": "5"},
		},
		"another error": {
			method: http.MethodGet, path: valid, status: 503, result: metrics.LinkFailed,
			err:    errors.New("the disk cannot be read"),
			header: map[string]string{"Retry-After": "5"},
		},
		"POST": {method: http.MethodPost, path: valid, status: 405, header: map[string]string{"Allow": "GET, HEAD"}},
	} {
		t.Run(name, func(t *testing.T) {
			content := bytes.Repeat([]byte("0123456789"), 100_000)
			source := &files{file: spooled(t, content, tc.mimeType, tc.filename), err: tc.err}
			handler, counted := newHandler(t, source)

			server := httptest.NewServer(handler)
			defer server.Close()

			request, err := http.NewRequestWithContext(t.Context(), tc.method, server.URL+tc.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}

			request.Header.Set("Range", "bytes=10-20") // which is ignored

			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()

			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}

			if response.StatusCode != tc.status {
				t.Errorf("status = %d, want %d", response.StatusCode, tc.status)
			}

			if tc.method == http.MethodGet && tc.status == 200 && !bytes.Equal(body, content) {
				t.Errorf("%d other bytes were served", len(body))
			}

			for name, want := range tc.header {
				if got := response.Header.Get(name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}

			server.Close() // the handler has ended

			if open := source.open.Load(); open != 0 {
				t.Errorf("%d files are still open", open)
			}

			if tc.result != "" && count(t, counted, tc.result) != 1 {
				t.Errorf("%s is not counted once", tc.result)
			}
		})
	}
}

func count(t *testing.T, m *metrics.Metrics, result metrics.LinkResult) float64 {
	t.Helper()

	families, err := m.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}

	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := metric.GetLabel()
			if family.GetName() == "whatsapp_media_link_requests_total" && labels[0].GetValue() == string(result) {
				return metric.GetCounter().GetValue()
			}
		}
	}

	return -1
}

func TestOnlySoManyFilesAreServedAtATime(t *testing.T) {
	source := &files{file: spooled(t, []byte("photo"), "image/jpeg", ""), wait: make(chan struct{})}
	handler, counted := newHandler(t, source)
	path := config.MediaPath + newToken("secret", photo, now.Add(Validity))

	statuses := make(chan int, maxServed)

	for range maxServed {
		go func() {
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, http.NoBody))

			statuses <- recorder.Code
		}()
	}

	for source.open.Load() < maxServed {
		if t.Context().Err() != nil {
			t.Fatal("the files are not opened")
		}
	}

	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, http.NoBody))

	if recorder.Code != http.StatusServiceUnavailable || count(t, counted, metrics.LinkBusy) != 1 {
		t.Errorf("one more was answered %d", recorder.Code)
	}

	close(source.wait)

	for range maxServed {
		if status := <-statuses; status != http.StatusOK {
			t.Errorf("status = %d", status)
		}
	}
}
