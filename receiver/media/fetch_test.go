// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestFetchFromGraph(t *testing.T) {
	graph := standin.NewGraph(standin.GraphOptions{AccessTokens: []string{token}})
	f := newFixture(t, graph, config.Media{}, nil)
	content := bytes.Repeat([]byte("meow"), 1000)
	inHex, inBase64 := sums(content)
	graph.PutMedia("900", "image/jpeg", content)

	file, err := f.spool.Fetch(t.Context(), number, Expected{
		ID:       "900",
		SHA256:   inBase64,
		Filename: "cat.jpg",
	})
	if err != nil {
		t.Fatal(err)
	}

	if file.Size != 4000 || file.MimeType != "image/jpeg" || file.SHA256 != inHex || file.Filename != "cat.jpg" || f.spool.Bytes() != 4000 {
		t.Errorf("file = %d bytes, %s, %s, %s; the spool has %d", file.Size, file.MimeType, file.SHA256, file.Filename, f.spool.Bytes())
	}

	for range 2 {
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}

		got, err := io.ReadAll(r)
		r.Close()

		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("read %d bytes (%v), want the sent content", len(got), err)
		}
	}

	for _, path := range []string{f.dir, file.Path} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("other users can read %s: %v %v", path, info.Mode(), err)
		}
	}

	f.remove(t, file)
	f.remove(t, file)
	f.checkEmpty(t)
}

func TestFetchFailures(t *testing.T) {
	content := []byte("meow")
	inHex, inBase64 := sums(content)
	url := "/media"
	large := int64(100 << 20)
	serve := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}

			w.WriteHeader(status)

			if status == http.StatusOK {
				w.Write(content)
			}
		}
	}
	refused := &failure.Error{
		Class: failure.Permanent,
		Op:    "look up media",
		Code:  "100",
		Text:  "unknown",
	}

	unauthorized := &failure.Error{
		Class: failure.Configuration,
		Op:    "look up media",
		Code:  "190",
		Text:  "expired",
	}
	for name, tc := range map[string]struct {
		handle  http.HandlerFunc
		info    cloudapi.MediaInfo // of a file at url
		lookup  error
		want    Expected
		media   config.Media
		class   failure.Class // empty: the fetch succeeds
		code    string
		lookups int // 0: 1
	}{
		"complete, sums in hex": {
			handle: serve(200),
			info:   cloudapi.MediaInfo{SHA256: inHex, FileSize: 4},
			want:   Expected{SHA256: inHex},
		},
		"complete, sums in base64": {
			handle: serve(200),
			info:   cloudapi.MediaInfo{SHA256: inBase64},
			want:   Expected{SHA256: inBase64[:43]},
		},
		"complete, nothing announced": {handle: serve(200)},
		"lookup: gone":                {lookup: refused, class: failure.Permanent, code: "media_gone"},
		"lookup: token":               {lookup: unauthorized, class: failure.Configuration, code: "190"},
		"gone":                        {handle: serve(404), class: failure.Permanent, code: "media_gone", lookups: 2},
		"gone for good":               {handle: serve(410), class: failure.Permanent, code: "media_gone", lookups: 2},
		"token refused":               {handle: serve(401), class: failure.Transient, code: "http_401", lookups: 2},
		"forbidden":                   {handle: serve(403), class: failure.Transient, code: "http_403", lookups: 2},
		"busy":                        {handle: serve(429, "Retry-After", "7"), class: failure.Transient, code: "http_429"},
		"unavailable":                 {handle: serve(503), class: failure.Transient, code: "http_503"},
		"other refusal":               {handle: serve(400), class: failure.Permanent, code: "http_400"},
		"partial":                     {handle: serve(206), class: failure.Permanent, code: "http_206"},
		"announced too large": {
			info:  cloudapi.MediaInfo{FileSize: large + 1},
			class: failure.Permanent,
			code:  "media_too_large",
		},
		"declared too large": {
			handle: serve(200, "Content-Length", "104857601"),
			class:  failure.Permanent,
			code:   "media_too_large",
		},
		"larger than the spool": {
			info:  cloudapi.MediaInfo{FileSize: 9},
			media: config.Media{MaxSpoolBytes: 8},
			class: failure.Permanent,
			code:  "media_too_large",
		},
		"streamed too large": {
			handle: func(w http.ResponseWriter, _ *http.Request) {
				piece := make([]byte, 64<<10)
				for range 17 {
					w.Write(piece)
				}
			},
			media: config.Media{MaxSpoolBytes: 1 << 20},
			class: failure.Permanent,
			code:  "media_too_large",
		},
		"longer than announced": {
			handle:  serve(200),
			info:    cloudapi.MediaInfo{FileSize: 3},
			class:   failure.Permanent,
			code:    "media_hash",
			lookups: 2,
		},
		"shorter than announced": {
			handle:  serve(200),
			info:    cloudapi.MediaInfo{FileSize: 5},
			class:   failure.Permanent,
			code:    "media_hash",
			lookups: 2,
		},
		"other than announced": {
			handle:  serve(200),
			info:    cloudapi.MediaInfo{SHA256: "wrong"},
			class:   failure.Permanent,
			code:    "media_hash",
			lookups: 2,
		},
		"other than the message": {
			handle:  serve(200),
			info:    cloudapi.MediaInfo{SHA256: inHex},
			want:    Expected{SHA256: inHex[1:] + "0"},
			class:   failure.Permanent,
			code:    "media_hash",
			lookups: 2,
		},
		"cut off": {handle: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write(content)
			panic(http.ErrAbortHandler)
		}, class: failure.Transient, code: "no_connection"},
		"slow": {
			handle: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			media:  config.Media{DownloadTimeout: 20 * time.Millisecond},
			class:  failure.Transient,
			code:   "timeout",
		},
		"foreign host": {
			info:  cloudapi.MediaInfo{URL: "https://evil.example/x"},
			class: failure.Permanent,
			code:  "media_host",
		},
		"no https": {
			info:  cloudapi.MediaInfo{URL: "http://lookaside.fbsbx.com/x"},
			class: failure.Permanent,
			code:  "media_host",
		},
		"a file": {
			info:  cloudapi.MediaInfo{URL: "file:///etc/passwd"},
			class: failure.Permanent,
			code:  "media_host",
		},
		"no URL": {info: cloudapi.MediaInfo{URL: "https://%zz"}, class: failure.Permanent, code: "media_host"},
		"private address": {
			info:  cloudapi.MediaInfo{URL: "https://127.0.0.1:1/x"},
			media: config.Media{AllowedHosts: []string{"127.0.0.1:1"}},
			class: failure.Permanent,
			code:  "media_host",
		},
		"foreign redirect": {
			handle: serve(302, "Location", "https://evil.example/x"),
			class:  failure.Permanent,
			code:   "media_host",
		},
		"redirect to a private address": {
			handle: serve(302, "Location", "http://169.254.169.254/latest"),
			class:  failure.Permanent,
			code:   "media_host",
		},
		"endless redirect": {handle: serve(302, "Location", "/media"), class: failure.Permanent, code: "media_host"},
	} {
		t.Run(name, func(t *testing.T) {
			var f *fixture

			lookups := 0
			f = newFixture(t, tc.handle, tc.media, lookupFunc(func(string) (cloudapi.MediaInfo, error) {
				lookups++

				info := tc.info
				if info.URL == "" {
					info.URL = f.server.URL + url
				}

				return info, tc.lookup
			}))

			file, err := f.spool.Fetch(t.Context(), number, tc.want)
			if tc.class == "" {
				if err != nil {
					t.Fatal(err)
				}

				f.remove(t, file)
			} else if fault := failure.Of(err); err == nil || fault.Class != tc.class || fault.Code != tc.code {
				t.Errorf("Fetch() = %+v, want a %s %s", fault, tc.class, tc.code)
			}

			if want := max(tc.lookups, 1); lookups != want {
				t.Errorf("looked up %d times, want %d", lookups, want)
			}

			f.checkEmpty(t)
		})
	}
}

func TestFetchRetries(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"expired URL":     http.NotFound,
		"refused token":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"damaged content": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("me0w")) },
	} {
		t.Run(name, func(t *testing.T) {
			var f *fixture

			calls := 0
			inHex, _ := sums([]byte("meow"))
			f = newFixture(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if calls++; calls == 1 {
					first(w, r)
					return
				}

				if r.Header.Get("Authorization") != "Bearer "+token || r.UserAgent() == "" {
					t.Errorf("headers = %v", r.Header)
				}

				w.Header().Set("Content-Type", "image/png")
				w.Write([]byte("meow"))
			}), config.Media{}, lookupFunc(func(string) (cloudapi.MediaInfo, error) {
				return cloudapi.MediaInfo{URL: f.server.URL + "/x", SHA256: inHex}, nil
			}))

			file, err := f.spool.Fetch(t.Context(), number, Expected{ID: "1"})
			if err != nil {
				t.Fatal(err)
			}

			if calls != 2 || file.MimeType != "image/png" {
				t.Errorf("%d calls, type %s", calls, file.MimeType)
			}

			f.remove(t, file)
			f.checkEmpty(t)
		})
	}
}

func TestRedirectsDropTheToken(t *testing.T) {
	var other http.Header

	cdn := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		other = r.Header

		w.Write([]byte("meow"))
	}))
	defer cdn.Close()

	var f *fixture

	tokens := 0
	f = newFixture(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+token {
			tokens++
		}

		if r.URL.Path == "/first" {
			http.Redirect(w, r, "/second", http.StatusFound)
			return
		}

		http.Redirect(w, r, "https://cdn.fbcdn.net/x", http.StatusFound)
	}), config.Media{}, lookupFunc(func(string) (cloudapi.MediaInfo, error) {
		return cloudapi.MediaInfo{URL: f.server.URL + "/first"}, nil
	}))
	// The transport dials the test server at its loopback address instead of Meta's host.
	dial := cdn.Client().Transport.(*http.Transport).Clone()
	dial.TLSClientConfig.ServerName = "example.com"
	dial.DialContext = nil
	f.spool.http.Intercept(roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "cdn.fbcdn.net" {
			r = r.Clone(r.Context())
			r.URL.Host = cdn.Listener.Addr().String()
		}

		return dial.RoundTrip(r)
	}))

	defer dial.CloseIdleConnections()

	file, err := f.spool.Fetch(t.Context(), number, Expected{ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	defer f.remove(t, file)

	if tokens != 2 || other.Get("Authorization") != "" || other.Get("Referer") != "" || other.Get("User-Agent") == "" {
		t.Errorf("%d requests with the token to Graph, want 2; headers to the other host: %v", tokens, other)
	}
}
