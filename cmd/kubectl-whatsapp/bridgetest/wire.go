// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
)

// maxExcerpt bounds what a report repeats of a body, in bytes.
const maxExcerpt = 300

// call is one HTTP call as it went over the wire.
type call struct {
	path        string
	contentType string
	length      int64
	sent        string // the beginning of the body
	status      int    // 0: no response
	header      http.Header
	body        []byte
	took        time.Duration
	reused      bool // an open connection
}

// trace collects the calls of one request of the driver.
type trace struct {
	mu    sync.Mutex
	calls []call
	// change, if set, changes the JSON of a body before it is sent.
	change func(body map[string]json.RawMessage)
}

func (t *trace) add(c call) {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.calls = append(t.calls, c)
}

// last returns the last call, or none if nothing was sent.
func (t *trace) last() call {
	t.mu.Lock()
	defer t.mu.Unlock()

	if len(t.calls) == 0 {
		return call{}
	}

	return t.calls[len(t.calls)-1]
}

type traceKey struct{}

// wire sends the calls of the receiver's own client, and records those of a context with a trace.
type wire struct{ next *http.Transport }

// newWire returns a transport that trusts the authorities, as PEM, in addition to those of the system.
func newWire(authorities string) (*wire, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = concurrent

	if authorities != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}

		if !roots.AppendCertsFromPEM([]byte(authorities)) {
			return nil, errors.New("the file with the certificate authorities has no certificate in PEM")
		}

		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}

	return &wire{next: transport}, nil
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	recorded, ok := r.Context().Value(traceKey{}).(*trace)
	if !ok {
		return w.next.RoundTrip(r)
	}

	c := call{path: r.URL.Path, contentType: r.Header.Get("Content-Type")}

	r, err := recorded.outgoing(r, &c)
	if err != nil {
		return nil, err
	}

	startedAt := time.Now()

	response, err := w.next.RoundTrip(r)
	if err == nil {
		c.status = response.StatusCode
		c.header = response.Header
		c.body, err = io.ReadAll(io.LimitReader(response.Body, assistant.MaxResponseBytes+1))

		_ = response.Body.Close()
		response.Body = io.NopCloser(bytes.NewReader(c.body))
	}

	c.took = time.Since(startedAt)
	recorded.add(c)

	if err != nil {
		return nil, err
	}

	return response, nil
}

// outgoing returns the request to send, which notes in c what it sends.
func (t *trace) outgoing(r *http.Request, c *call) (*http.Request, error) {
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { c.reused = info.Reused },
	})
	body := r.Body
	getBody := r.GetBody
	r = r.Clone(ctx)
	c.length = r.ContentLength

	if body == nil || strings.HasPrefix(c.contentType, "multipart/") {
		return r, nil
	}

	if t.change == nil {
		r.Body = &head{ReadCloser: body, into: &c.sent}
		r.GetBody = getBody

		return r, nil
	}

	changed, err := t.changed(body)
	if err != nil {
		return nil, err
	}

	c.length = int64(len(changed))
	c.sent = excerpt(changed)
	r.ContentLength = c.length
	r.Body = io.NopCloser(bytes.NewReader(changed))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(changed)), nil }

	return r, nil
}

func (t *trace) changed(body io.ReadCloser) ([]byte, error) {
	defer func() { _ = body.Close() }() // it was read

	var fields map[string]json.RawMessage
	if err := json.NewDecoder(body).Decode(&fields); err != nil {
		return nil, fmt.Errorf("change a request: %w", err)
	}

	t.change(fields)

	return json.Marshal(fields)
}

// head keeps the beginning of a body that is sent.
type head struct {
	io.ReadCloser

	into *string
}

// Read implements io.Reader.
func (h *head) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	if room := maxExcerpt - len(*h.into); room > 0 {
		*h.into += string(p[:min(n, room)])
	}

	return n, err
}

// excerpt returns the beginning of a body as one line of valid UTF-8.
func excerpt(body []byte) string {
	text := strings.ToValidUTF8(string(body[:min(len(body), maxExcerpt)]), "")
	if len(body) > maxExcerpt {
		text += "…"
	}

	return strings.Join(strings.Fields(text), " ")
}

// described returns the request, for the report.
func (c call) described() string {
	switch {
	case c.path == "" && c.contentType == "":
		return ""
	case strings.HasPrefix(c.contentType, "multipart/"):
		return fmt.Sprintf("POST %s, multipart/form-data of %d bytes", c.path, c.length)
	case c.length > maxExcerpt:
		return fmt.Sprintf("POST %s, %d bytes: %s…", c.path, c.length, excerpt([]byte(c.sent)))
	default:
		return fmt.Sprintf("POST %s %s", c.path, excerpt([]byte(c.sent)))
	}
}

// response returns what came back, for the report.
func (c call) response() string {
	switch {
	case c.status == 0:
		return ""
	case len(c.body) == 0:
		return fmt.Sprintf("HTTP %d without a body", c.status)
	default:
		return fmt.Sprintf("HTTP %d %s", c.status, excerpt(c.body))
	}
}

// traced returns a context whose calls are recorded.
func traced(ctx context.Context, t *trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}
