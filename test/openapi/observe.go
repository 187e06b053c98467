// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"bytes"
	"io"
	"net/http"
)

// Report gets the violations of requests and of responses. Its functions are called by several goroutines.
type Report struct {
	Request  func(error)
	Response func(error)
}

// maxChecked is the size in bytes up to which a request is checked. Above it the file in it is nearly all of it, and tests
// with large files would spend their time on the check.
const maxChecked = 8 << 20

// Observe returns a handler that reports the violations of the requests and of next's responses. It changes neither. A
// request that next does not read to its end, and one of more than 8 MiB, is not checked.
func (d *Document) Observe(next http.Handler, report Report) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := &tee{ReadCloser: r.Body}
		response := &recorder{ResponseWriter: w, status: http.StatusOK}

		r.Body = request
		next.ServeHTTP(response, r)

		if request.complete && request.size <= maxChecked {
			call(report.Request, d.CheckRequest(r, request.read.Bytes()))
		}

		call(report.Response, d.CheckResponse(r, response.status, w.Header(), response.written.Bytes()))
	})
}

// Transport returns a transport that reports the violations of the requests that it sends and of their responses.
func (d *Document) Transport(next http.RoundTripper, report Report) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		request := read(r.Body)
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(request))

		call(report.Request, d.CheckRequest(r, request))

		response, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}

		body := read(response.Body)
		response.Body.Close()
		response.Body = io.NopCloser(bytes.NewReader(body))

		call(report.Response, d.CheckResponse(r, response.StatusCode, response.Header, body))

		return response, nil
	})
}

func call(report func(error), err error) {
	if err != nil {
		report(err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// tee retains the read part of a body, up to maxChecked.
type tee struct {
	io.ReadCloser
	read     bytes.Buffer
	size     int
	complete bool
}

// Read implements io.Reader.
func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.size += n

	if t.size <= maxChecked {
		t.read.Write(p[:n])
	}

	if err == io.EOF {
		t.complete = true
	}

	return n, err
}

// recorder retains a response as it is written.
type recorder struct {
	http.ResponseWriter
	status  int
	written bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if status >= http.StatusOK {
		r.status = status
	}

	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	r.written.Write(p)
	return r.ResponseWriter.Write(p)
}

// Unwrap gives http.ResponseController the writer behind it.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
