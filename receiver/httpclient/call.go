// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// UserAgent is sent with every call. Meta's media hosts refuse requests without one.
const UserAgent = "whatsapp-webhook-receiver"

// maxDiscarded bounds how much of an unwanted body is read so that its connection can be used again.
const maxDiscarded = 64 << 10

// Call is one request.
type Call struct {
	Op      string // of its failures, such as "send message"
	Method  string
	BaseURL string
	Path    []string    // below BaseURL
	Query   url.Values  // replaces that of BaseURL if set
	Header  http.Header // User-Agent is added to it; may be nil
	Body    []byte
	// Content opens the body instead of Body, as often as it has to be sent. Its errors may be of type *failure.Error.
	Content func() (io.ReadCloser, error)
	Length  int64 // of Content, in bytes
	Timeout time.Duration
	MaxBody int64 // bytes of the response's body that Do returns; 0: none
	// Idempotent means that the request may be repeated safely: a failure after it was sent is then Transient, and
	// otherwise Ambiguous.
	Idempotent bool
}

// Response is a complete response.
type Response struct {
	Status     int
	Header     http.Header
	RetryAfter time.Duration // 0 if the server asks for none
	Body       []byte
	Truncated  bool // the body is longer than MaxBody
}

// Do makes a call and reads the response, whatever its status.
func (c *Client) Do(ctx context.Context, call Call) (*Response, *failure.Error) {
	response, fault := c.Open(ctx, call)
	if fault != nil {
		return nil, fault
	}
	defer response.Body.Close()

	complete := &Response{
		Status:     response.StatusCode,
		Header:     response.Header,
		RetryAfter: c.RetryAfter(response.Header),
	}
	if call.MaxBody == 0 {
		_, _ = io.CopyN(io.Discard, response.Body, maxDiscarded)
		return complete, nil
	}

	body, err := io.ReadAll(io.LimitReader(response.Body, call.MaxBody+1))
	if err != nil {
		return nil, failure.Of(err)
	}

	complete.Truncated = int64(len(body)) > call.MaxBody
	complete.Body = body[:min(int64(len(body)), call.MaxBody)]

	return complete, nil
}

// Open makes a call and returns the response, whatever its status, for the caller to read and close. The call's timeout
// includes the reading, whose errors are of type *failure.Error.
func (c *Client) Open(ctx context.Context, call Call) (*http.Response, *failure.Error) {
	ctx, cancel := context.WithTimeout(ctx, call.Timeout)

	var written atomic.Bool

	request, fault := c.request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { written.Store(true) }, // from here on the server may have read all of a small body
	}), call)
	if fault != nil {
		cancel()
		return nil, fault
	}

	response, err := c.roundTrip(request)
	if err != nil {
		cancel()
		return nil, c.unanswered(call, err, written.Load())
	}

	response.Body = &responseBody{
		ReadCloser: response.Body,
		cancel:     cancel,
		failed:     func(cause error) error { return c.unanswered(call, cause, true) },
	}

	return response, nil
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, *failure.Error) {
	request, err := http.NewRequestWithContext(ctx, call.Method, call.BaseURL, bytes.NewReader(call.Body))
	if err != nil {
		return nil, c.badURL(call)
	}

	if request.URL.Path == "" {
		request.URL.Path = "/" // JoinPath would return a relative path
	}

	if len(call.Path) > 0 {
		request.URL = request.URL.JoinPath(call.Path...)
	}

	if call.Query != nil {
		request.URL.RawQuery = call.Query.Encode()
	}

	if call.Content != nil {
		request.GetBody = call.Content
		request.ContentLength = call.Length

		if request.Body, err = call.Content(); err != nil {
			return nil, c.unanswered(call, err, false)
		}
	}

	if call.Header != nil {
		request.Header = call.Header
	}

	// The header of a call that is repeated may still be read for the first time.
	if request.Header.Get("User-Agent") != UserAgent {
		request.Header.Set("User-Agent", UserAgent)
	}

	if user := request.URL.User; user != nil && request.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}

	return request, nil
}

func (c *Client) badURL(call Call) *failure.Error {
	return &failure.Error{
		Class: failure.Configuration,
		Op:    call.Op,
		Code:  CodeBadURL,
		Text:  c.setting + " is not a URL",
	}
}

// unanswered classifies a call without a complete response. The cause's text is dropped, since it contains addresses,
// unless the cause is classified already, by a guard, a redirect check or the content.
func (c *Client) unanswered(call Call, cause error, written bool) *failure.Error {
	if f, ok := errors.AsType[*failure.Error](cause); ok {
		f.Op = cmp.Or(f.Op, call.Op)

		return f
	}

	f := Unanswered(c.peer, cause)
	f.Op = call.Op

	if written && !call.Idempotent && f.Class == failure.Transient {
		f.Class = failure.Ambiguous
		f.Text += " after the request was sent"
	}

	return f
}

// Unanswered classifies a call to a peer without a complete response, for libraries that make their calls themselves. The
// cause's text is dropped, unless it is classified already, by a guard.
func Unanswered(peer string, cause error) *failure.Error {
	if f, ok := errors.AsType[*failure.Error](cause); ok {
		return f
	}

	f := &failure.Error{
		Class: failure.Transient,
		Code:  CodeNoConnection,
		Text:  "the connection to " + peer + " failed",
	}

	switch _, untrusted := errors.AsType[*tls.CertificateVerificationError](cause); {
	case errors.Is(cause, errAuthorities):
		f.Class = failure.Configuration
		f.Code = CodeBadCA
		f.Text = "the CA certificates for " + peer + " contain no PEM certificate"
	case untrusted:
		f.Class = failure.Configuration
		f.Code = CodeUntrusted
		f.Text = "the certificate of " + peer + " is not valid for its address, has expired, or was issued by an unknown authority: " +
			"correct the certificate, or the CA certificates for " + peer
	case errors.Is(cause, context.DeadlineExceeded):
		f.Code = CodeTimeout
		f.Text = peer + " did not answer in time"
	}

	return f
}

// responseBody classifies read errors, and ends the call's timeout when it is closed.
type responseBody struct {
	io.ReadCloser

	cancel context.CancelFunc
	failed func(cause error) error
}

// Read reads the body.
func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.failed(err)
	}

	return n, err
}

// Close closes the body and ends the call.
func (b *responseBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
