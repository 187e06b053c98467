// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newTestClient(t *testing.T, o Options) *Client {
	t.Helper()

	o.Clock = clockwork.NewFakeClockAt(now)
	o.Peer = "the server"
	o.Setting = "server.url"

	client := New(o)
	t.Cleanup(client.Close)

	return client
}

func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()

	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)

	return server.URL
}

func TestDo(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}

		w.Header().Set("Retry-After", "Mon, 23 Nov 2026 12:00:05 GMT")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
		w.Write([]byte(strings.Join([]string{
			r.Method,
			r.URL.String(),
			r.Header.Get("User-Agent"),
			r.Header.Get("X-Test"),
			string(body),
		}, " ")))
	})

	response, fault := newTestClient(t, Options{}).Do(t.Context(), Call{
		Op:      "call",
		Method:  http.MethodPost,
		BaseURL: address + "/base",
		Path:    []string{"v1", "messages"},
		Query:   url.Values{"a": {"b"}},
		Header:  http.Header{"X-Test": {"yes"}},
		Content: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("content")), nil },
		Length:  7,
		Timeout: time.Minute,
		MaxBody: 1 << 10,
	})
	if fault != nil {
		t.Fatal(fault)
	}

	const want = "POST /base/v1/messages?a=b whatsapp-webhook-receiver yes content"
	if got := string(response.Body); got != want {
		t.Errorf("request = %q, want %q", got, want)
	}

	if response.Status != http.StatusTemporaryRedirect || response.RetryAfter != 5*time.Second || response.Truncated {
		t.Errorf("response = %+v, want a complete 307 with a Retry-After of 5 s", response)
	}
}

func TestDoBoundsTheBody(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("12345")) })
	client := newTestClient(t, Options{})

	for limit, want := range map[int64]Response{
		0: {Status: 200},
		4: {
			Status:    200,
			Body:      []byte("1234"),
			Truncated: true,
		},
		5: {Status: 200, Body: []byte("12345")},
	} {
		got, fault := client.Do(t.Context(), Call{
			Method:  http.MethodGet,
			BaseURL: address,
			Timeout: time.Minute,
			MaxBody: limit,
		})
		if fault != nil {
			t.Fatal(fault)
		}

		if !bytes.Equal(got.Body, want.Body) || got.Truncated != want.Truncated || got.Status != want.Status {
			t.Errorf("MaxBody %d: response = %+v, want %+v", limit, got, want)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTimeout(t *testing.T) {
	for written, class := range map[bool]failure.Class{false: failure.Transient, true: failure.Ambiguous} {
		client := newTestClient(t, Options{})
		client.Intercept(roundTripper(func(r *http.Request) (*http.Response, error) {
			if written {
				httptrace.ContextClientTrace(r.Context()).WroteHeaders()
			}

			<-r.Context().Done()

			return nil, r.Context().Err()
		}))

		_, fault := client.Do(t.Context(), Call{
			Method:  http.MethodPost,
			BaseURL: "http://example.com",
			Timeout: time.Millisecond,
		})
		if fault == nil || fault.Class != class || fault.Code != CodeTimeout {
			t.Errorf("written %t: failure = %+v, want %s %s", written, fault, class, CodeTimeout)
		}
	}
}

func TestCallWithoutResponse(t *testing.T) {
	closed := "http://" + port.Address(t)
	abort := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	short := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.Write([]byte("short"))
	})
	refused := &failure.Error{Class: failure.Configuration, Code: "refused"}

	for name, tc := range map[string]struct {
		options Options
		call    Call
		class   failure.Class
		code    string
	}{
		"not a URL": {
			call:  Call{BaseURL: "http://[::1"},
			class: failure.Configuration,
			code:  CodeBadURL,
		},
		"nothing listens": {
			call:  Call{BaseURL: closed},
			class: failure.Transient,
			code:  CodeNoConnection,
		},
		"aborted": {
			call:  Call{BaseURL: abort},
			class: failure.Ambiguous,
			code:  CodeNoConnection,
		},
		"aborted, idempotent": {
			call:  Call{BaseURL: abort, Idempotent: true},
			class: failure.Transient,
			code:  CodeNoConnection,
		},
		"body cut off": {
			call:  Call{BaseURL: short, MaxBody: 1 << 10},
			class: failure.Ambiguous,
			code:  CodeNoConnection,
		},
		"unwanted body cut off": {call: Call{BaseURL: short}},
		"refused address": {
			options: Options{Guard: &Guard{Refuse: func(netip.Addr) *failure.Error { return refused }}},
			call:    Call{BaseURL: closed},
			class:   failure.Configuration,
			code:    "refused",
		},
		"exempt address": {
			options: Options{Guard: &Guard{
				Refuse: func(netip.Addr) *failure.Error { return refused },
				Exempt: func(string) bool { return true },
			}},
			call:  Call{BaseURL: closed},
			class: failure.Transient,
			code:  CodeNoConnection,
		},
		"content that cannot be opened": {
			call: Call{BaseURL: closed, Content: func() (io.ReadCloser, error) {
				return nil, errors.Join(errors.New("open"), refused)
			}},
			class: failure.Configuration,
			code:  "refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.call.Method = http.MethodPost
			tc.call.Timeout = time.Minute

			_, fault := newTestClient(t, tc.options).Do(t.Context(), tc.call)
			if fault == nil {
				if tc.code != "" {
					t.Fatalf("no failure, want %s", tc.code)
				}

				return
			}

			if fault.Class != tc.class || fault.Code != tc.code || strings.Contains(fault.Text, "127.0.0.1") {
				t.Errorf("failure = %+v, want %s %s without an address", fault, tc.class, tc.code)
			}
		})
	}
}

// A sink's URL may have a name and a password, which a call sends in place of other credentials.
func TestCredentialsOfTheURL(t *testing.T) {
	for name, tc := range map[string]struct {
		header http.Header
		want   string
	}{
		"no other":          {want: "Basic dXNlcjpwYXNz"},
		"other credentials": {header: http.Header{"Authorization": {"Bearer key"}}, want: "Bearer key"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string

			address := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Authorization") })

			_, fault := newTestClient(t, Options{}).Do(t.Context(), Call{
				Method:  http.MethodPost,
				BaseURL: strings.Replace(address, "://", "://user:pass@", 1),
				Header:  tc.header,
				Timeout: time.Minute,
			})
			if fault != nil || got != tc.want {
				t.Errorf("Authorization = %q, %v, want %q", got, fault, tc.want)
			}
		})
	}
}
