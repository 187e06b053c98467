// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// wire is a connection to the webhook port, for requests that no HTTP client sends.
type wire struct {
	net.Conn
	t      *testing.T
	reader *bufio.Reader
}

func (h *harness) wire(text string) *wire {
	h.t.Helper()

	var dialer net.Dialer

	c, err := dialer.DialContext(h.t.Context(), "tcp", h.Local.WebhookAddr())
	if err != nil {
		h.t.Fatal(err)
	}

	h.t.Cleanup(func() { _ = c.Close() })

	_ = c.SetDeadline(time.Now().Add(waitLimit))
	if _, err := io.WriteString(c, text); err != nil {
		h.t.Fatal(err)
	}

	return &wire{
		Conn:   c,
		t:      h.t,
		reader: bufio.NewReader(c),
	}
}

// answer reads the answer to a request of a method.
func (w *wire) answer(method string) (*http.Response, string) {
	w.t.Helper()

	response, err := http.ReadResponse(w.reader, &http.Request{Method: method})
	if err != nil {
		w.t.Fatalf("no answer: %v", err)
	}
	defer response.Body.Close()

	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatalf("half an answer: %v", err)
	}

	return response, string(body)
}

// checkClosed checks that the server sends nothing more and closes the connection.
func (w *wire) checkClosed() {
	w.t.Helper()

	rest, err := io.ReadAll(w.reader)
	if len(rest) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		w.t.Errorf("the connection continues after the answer: %q, %v", rest, err)
	}
}

func TestHostileRequests(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	const hook = "/webhooks/whatsapp"

	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "X-%d: 1\r\n", i)
		}

		return b.String()
	}
	for name, tc := range map[string]struct {
		request string // the request line; HTTP/1.1 unless it names a version
		rest    string // headers besides Host, and the body
		status  int
		header  map[string]string
		ends    bool // the server closes the connection without answering the bytes that follow
	}{
		"PUT":      {request: "PUT " + hook, status: 405, header: map[string]string{"Allow": "GET, POST"}},
		"DELETE":   {request: "DELETE " + hook, status: 405},
		"HEAD":     {request: "HEAD " + hook, status: 405},
		"OPTIONS":  {request: "OPTIONS " + hook, status: 405},
		"TRACE":    {request: "TRACE " + hook, status: 405},
		"unknown":  {request: "GETT " + hook, status: 405},
		"asterisk": {request: "OPTIONS *", status: 404},
		"CONNECT":  {request: "CONNECT example.com:443", status: 404},

		"slash at the end":       {request: "POST " + hook + "/", status: 404},
		"two slashes":            {request: "POST /" + hook, status: 404},
		"dots":                   {request: "POST /webhooks/x/../whatsapp", status: 404},
		"escaped dots":           {request: "POST /webhooks/x/%2e%2e/whatsapp", status: 404},
		"capitals":               {request: "POST " + strings.ToUpper(hook), status: 404},
		"a parameter":            {request: "POST " + hook + ";x=1", status: 404},
		"NUL":                    {request: "POST " + hook + "%00", status: 404},
		"page of the admin port": {request: "GET /metrics", status: 404},
		"page of the console":    {request: "GET /dead-letters", status: 404},
		"escaped but equal":      {request: "POST /webhooks/%77hatsapp", status: 401},
		"of another host":        {request: "POST http://127.0.0.1:9091" + hook, status: 401},
		"a query":                {request: "POST " + hook + "?a;b", status: 401},

		"a large header": {
			request: "POST " + hook,
			rest:    "X-Large: " + strings.Repeat("x", 10<<10) + "\r\n",
			status:  431,
			ends:    true,
		},
		"many headers":      {request: "POST " + hook, rest: many(2000), status: 431, ends: true},
		"a long path":       {request: "POST /" + strings.Repeat("x", 10<<10), status: 431, ends: true},
		"a header with NUL": {request: "POST " + hook, rest: "X-A: \x00\r\n", status: 400, ends: true},

		"length and chunks": {
			request: "POST " + hook,
			rest:    "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n",
			status:  401,
			ends:    true,
		},
		"only chunks": {
			request: "POST " + hook,
			rest:    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n",
			status:  401,
			ends:    true,
		},
		"chunks in HTTP/1.0": {
			request: "POST " + hook + " HTTP/1.0",
			rest:    "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n",
			status:  401,
			ends:    true,
		},
		"two lengths": {
			request: "POST " + hook,
			rest:    "Content-Length: 2\r\nContent-Length: 3\r\n",
			status:  400,
			ends:    true,
		},
		"a length with a sign": {
			request: "POST " + hook,
			rest:    "Content-Length: +2\r\n",
			status:  400,
			ends:    true,
		},
		"another encoding": {
			request: "POST " + hook,
			rest:    "Transfer-Encoding: xchunked\r\n",
			status:  501,
			ends:    true,
		},
		"two encodings": {
			request: "POST " + hook,
			rest:    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
			status:  501,
			ends:    true,
		},
		"a blank before the colon": {
			request: "POST " + hook,
			rest:    "Transfer-Encoding : chunked\r\n",
			status:  400,
			ends:    true,
		},
		"a chunk with a bad length": {
			request: "POST " + hook,
			rest:    "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
			status:  400,
			ends:    true,
		},
		"a chunk longer than its length": {
			request: "POST " + hook,
			rest:    "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n",
			status:  400,
			ends:    true,
		},

		"half a preface of HTTP/2": {request: "PRI * HTTP/2.0", rest: "", status: 404, ends: true},
		"HTTP/2 by upgrade": {
			request: "POST " + hook,
			rest:    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
			status:  401,
		},
		"compressed": {
			request: "POST " + hook,
			rest:    "Content-Encoding: gzip\r\n",
			status:  415,
			header:  map[string]string{"Accept-Encoding": "identity"},
		},
		"only SHA-1": {
			request: "POST " + hook,
			rest:    "X-Hub-Signature: sha1=b0a5bd7a3b5a5b3c4b3c4b3c4b3c4b3c4b3c4b3c\r\n",
			status:  401,
		},
		"SHA-1 in the header of SHA-256": {
			request: "POST " + hook,
			rest:    "X-Hub-Signature-256: sha1=b0a5bd7a3b5a5b3c4b3c4b3c4b3c4b3c4b3c4b3c\r\n",
			status:  401,
		},
	} {
		t.Run(name, func(t *testing.T) {
			version := " HTTP/1.1"
			if strings.Contains(tc.request, " HTTP/") {
				version = ""
			}

			host := "Host: x\r\n"
			if strings.HasPrefix(tc.request, "PRI") {
				host = ""
			}

			c := h.wire(tc.request + version + "\r\n" + host + tc.rest + "\r\n")
			c.t = t
			method, _, _ := strings.Cut(tc.request, " ")

			response, body := c.answer(method)
			if response.StatusCode != tc.status || response.ProtoMajor != 1 {
				t.Errorf("answered %d %q, want %d", response.StatusCode, body, tc.status)
			}

			for key, want := range tc.header {
				if got := response.Header.Get(key); got != want {
					t.Errorf("%s: %q, want %q", key, got, want)
				}
			}

			if tc.ends {
				c.checkClosed()
			}
		})
	}

	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), "hello"))
}

// TestHugeBodies checks that bodies over the limit are refused before they arrive.
func TestHugeBodies(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	const post = "POST /webhooks/whatsapp HTTP/1.1\r\nHost: x\r\n"
	for name, head := range map[string]string{
		"announced":              fmt.Sprintf("Content-Length: %d\r\n", 1<<40),
		"a byte too much":        fmt.Sprintf("Content-Length: %d\r\n", 4<<20+1),
		"announced, expects 100": fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue\r\n", 1<<40),
	} {
		c := h.wire(post + head + "\r\n")

		response, body := c.answer(http.MethodPost)
		if response.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(body, "4194304 bytes") {
			t.Errorf("%s: answered %d %q, want 413 with the limit", name, response.StatusCode, body)
		}

		c.checkClosed()
	}

	c := h.wire(post + "Transfer-Encoding: chunked\r\n\r\n")
	chunk := "10000\r\n" + strings.Repeat(" ", 1<<16) + "\r\n"

	sent := 0
	for ; sent < 64<<20; sent += 1 << 16 {
		if _, err := io.WriteString(c, chunk); err != nil {
			break
		}
	}
	// The socket buffers of both sides accept more than the server reads.
	if sent >= 64<<20 {
		t.Errorf("the server accepted %d bytes of an endless body", sent)
	}

	bomb := &bytes.Buffer{}
	zip := gzip.NewWriter(bomb)
	_, _ = zip.Write(make([]byte, 32<<20))
	_ = zip.Close()

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.Local.WebhookURL(), bytes.NewReader(bomb.Bytes()))
	if err != nil {
		t.Fatal(err)
	}

	request.Header.Set("Content-Encoding", "gzip")
	request.Header.Set("X-Hub-Signature-256", standin.Sign(folder.AppSecret, bomb.Bytes()))

	response, err := h.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusUnsupportedMediaType || !strings.Contains(string(body), "without Content-Encoding") {
		t.Errorf("a compressed body was answered %d %q, want 415 with the reason", response.StatusCode, body)
	}

	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), "hello"))
}
