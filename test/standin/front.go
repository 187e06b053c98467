// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxMultipartBytes leaves room for Meta's largest document (100 MB) and the parts around it.
const maxMultipartBytes = 110_000_000

// Front stands before a handler: it records each call, bounds its body and plays the fault set for it.
type Front struct {
	Recorder *Recorder
	Faults   *Faults

	maxBody   int64
	closeOnce sync.Once
	closed    chan struct{}
}

// NewFront makes a front that refuses bodies over maxBody bytes (413), multipart ones over 110 MB.
func NewFront(recorder *Recorder, maxBody int64) *Front {
	return &Front{
		Recorder: recorder,
		Faults:   &Faults{},
		maxBody:  maxBody,
		closed:   make(chan struct{}),
	}
}

// Close lets go of every call that a fault holds; call it before the server's own Close or Shutdown, which wait for them.
func (f *Front) Close() {
	f.closeOnce.Do(func() { close(f.closed) })
}

// Wrap puts the front before a handler. The result wants a real server: a cut connection is http.ErrAbortHandler.
func (f *Front) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := Call{
			At:     time.Now(),
			Method: r.Method,
			Path:   r.URL.Path,
			Query:  r.URL.Query(),
			Header: r.Header,
		}

		fault, faulty := f.Faults.take(r)
		if faulty {
			call.Fault = fault.String()
		}

		answer := &recordedAnswer{
			ResponseWriter: w,
			recorder:       f.Recorder,
			call:           call,
		}
		if err := f.receive(answer, r); err != nil {
			status := http.StatusBadRequest
			if _, large := errors.AsType[*http.MaxBytesError](err); large {
				status = http.StatusRequestEntityTooLarge
			}

			http.Error(answer, "reading the request body: "+err.Error(), status)

			return
		}

		if !faulty {
			next.ServeHTTP(answer, r)
			answer.record(http.StatusOK)

			return
		}

		f.play(answer, r, fault, next)
	})
}

// receive reads a body into memory and the record, save a multipart one, which the handler streams.
// The server notices that a client has gone only once the body is read, so a held call depends on it too.
func (f *Front) receive(answer *recordedAnswer, r *http.Request) error {
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); strings.HasPrefix(mediaType, "multipart/") {
		answer.streamed = &countingBody{ReadCloser: http.MaxBytesReader(answer.ResponseWriter, r.Body, maxMultipartBytes)}
		r.Body = answer.streamed

		return nil
	}

	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(min(r.ContentLength, f.maxBody)) + bytes.MinRead)
	}

	if _, err := body.ReadFrom(http.MaxBytesReader(answer.ResponseWriter, r.Body, f.maxBody)); err != nil {
		return err
	}

	answer.call.Body = body.Bytes()
	answer.call.BodySize = int64(body.Len())
	r.Body = io.NopCloser(bytes.NewReader(body.Bytes()))

	return nil
}

func (f *Front) play(answer *recordedAnswer, r *http.Request, fault Fault, next http.Handler) {
	var effect *heldAnswer
	if fault.takesEffect() {
		effect = &heldAnswer{header: http.Header{}, status: http.StatusOK}
		next.ServeHTTP(effect, r)
	}

	if answer.streamed != nil && (effect != nil || fault.Status != 0 || fault.Hang || fault.Cut != "") {
		_, _ = io.Copy(io.Discard, answer.streamed)
	}

	if !f.pause(r, fault.Delay) {
		answer.abort()
	}

	switch {
	case fault.Hang:
		answer.record(0)

		select {
		case <-r.Context().Done():
		case <-f.closed:
		}

		answer.abort()
	case fault.Cut == CutBefore, fault.Cut == CutAfter:
		answer.abort()
	case fault.Status != 0:
		effect = fault.answer()
	}

	if effect == nil {
		next.ServeHTTP(answer, r)
		answer.record(http.StatusOK)

		return
	}

	effect.send(answer, fault.Cut == CutMidBody)
}

// pause reports whether the delay passed with the client still there and the front open.
func (f *Front) pause(r *http.Request, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}

	timer := time.NewTimer(delay)
	defer timer.Stop()

	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-f.closed:
	}

	return false
}

func (f Fault) answer() *heldAnswer {
	held := &heldAnswer{header: http.Header{}, status: f.Status}
	held.header.Set("Content-Type", "text/plain; charset=utf-8")

	if strings.HasPrefix(strings.TrimSpace(f.Body), "{") {
		held.header.Set("Content-Type", "application/json")
	}

	if f.RetryAfter != "" {
		held.header.Set("Retry-After", f.RetryAfter)
	}

	held.body.WriteString(f.Body)

	return held
}

// heldAnswer is an answer that has not been sent.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
	begun  bool
}

func (h *heldAnswer) Header() http.Header { return h.header }

func (h *heldAnswer) WriteHeader(status int) {
	if !h.begun && status >= http.StatusOK {
		h.status = status
		h.begun = true
	}
}

func (h *heldAnswer) Write(p []byte) (int, error) {
	h.begun = true
	return h.body.Write(p)
}

func (h *heldAnswer) send(answer *recordedAnswer, half bool) {
	body := h.body.Bytes()
	if half && len(body) == 0 {
		answer.abort()
	}

	maps.Copy(answer.Header(), h.header)

	if len(body) > 0 {
		answer.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}

	answer.WriteHeader(h.status)

	if !half {
		_, _ = answer.Write(body)
		return
	}

	_, _ = answer.Write(body[:len(body)/2])
	_ = http.NewResponseController(answer).Flush()
	answer.abort()
}

// recordedAnswer records its call when the answer begins, or when it is known that there will be none.
type recordedAnswer struct {
	http.ResponseWriter
	recorder *Recorder
	call     Call
	streamed *countingBody
	recorded bool
}

// Unwrap serves http.ResponseController.
func (a *recordedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *recordedAnswer) WriteHeader(status int) {
	if status >= http.StatusOK {
		a.record(status)
	}

	a.ResponseWriter.WriteHeader(status)
}

func (a *recordedAnswer) Write(p []byte) (int, error) {
	a.record(http.StatusOK)
	return a.ResponseWriter.Write(p)
}

func (a *recordedAnswer) record(status int) {
	if a.recorded {
		return
	}

	a.recorded = true
	if a.streamed != nil {
		a.call.BodySize = a.streamed.read
	}

	a.call.Status = status
	a.recorder.add(a.call)
}

// abort closes the connection the way net/http asks for; it does not return.
func (a *recordedAnswer) abort() {
	a.record(0)
	panic(http.ErrAbortHandler)
}

type countingBody struct {
	io.ReadCloser
	read int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)

	return n, err
}
