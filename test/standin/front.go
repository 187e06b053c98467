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

	"github.com/jonboulle/clockwork"
)

// maxMultipartBytes leaves room for Meta's largest document (100 MB) and the other parts.
const maxMultipartBytes = 110_000_000

// Front is a middleware that records each call, limits its body and plays the fault that matches it.
type Front struct {
	// Recorder holds the calls.
	Recorder *Recorder
	// Faults are played on matching calls.
	Faults *Faults
	// Clock times the calls and the delays of faults. Defaults to the real clock; set it before the first call.
	Clock clockwork.Clock

	maxBody   int64
	closeOnce sync.Once
	closed    chan struct{}
}

// NewFront returns a front that answers 413 to bodies over maxBody bytes, or over 110 MB if they are multipart.
func NewFront(recorder *Recorder, maxBody int64) *Front {
	return &Front{
		Recorder: recorder,
		Faults:   &Faults{},
		Clock:    clockwork.NewRealClock(),
		maxBody:  maxBody,
		closed:   make(chan struct{}),
	}
}

// Close ends every call that a fault delays or hangs. Call it before the server's Close or Shutdown, which wait for them.
func (f *Front) Close() {
	f.closeOnce.Do(func() { close(f.closed) })
}

// Wrap returns next behind the front. It needs a real server, since it cuts a connection with http.ErrAbortHandler.
func (f *Front) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := Call{
			At:     f.Clock.Now(),
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

// receive reads the body into memory and into the record. It leaves a multipart body for the handler to stream.
// The server detects that a client has disconnected only after the body is read; delayed and hung calls depend on that.
func (f *Front) receive(answer *recordedAnswer, r *http.Request) error {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if strings.HasPrefix(mediaType, "multipart/") {
		limited := http.MaxBytesReader(answer.ResponseWriter, r.Body, maxMultipartBytes)
		answer.streamed = &countingBody{ReadCloser: limited}
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
	var effect *bufferedAnswer
	if fault.takesEffect() {
		effect = &bufferedAnswer{header: http.Header{}, status: http.StatusOK}
		next.ServeHTTP(effect, r)
	}

	ownAnswer := effect != nil || fault.Status != 0 || fault.Hang || fault.Cut != ""
	if answer.streamed != nil && ownAnswer {
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

// pause waits for the delay. It reports false if the client disconnected or the front was closed meanwhile.
func (f *Front) pause(r *http.Request, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}

	timer := f.Clock.NewTimer(delay)
	defer timer.Stop()

	select {
	case <-timer.Chan():
		return true
	case <-r.Context().Done():
	case <-f.closed:
	}

	return false
}

func (f Fault) answer() *bufferedAnswer {
	buffered := &bufferedAnswer{header: http.Header{}, status: f.Status}
	buffered.header.Set("Content-Type", "text/plain; charset=utf-8")

	if strings.HasPrefix(strings.TrimSpace(f.Body), "{") {
		buffered.header.Set("Content-Type", "application/json")
	}

	if f.RetryAfter != "" {
		buffered.header.Set("Retry-After", f.RetryAfter)
	}

	buffered.body.WriteString(f.Body)

	return buffered
}

// bufferedAnswer is an http.ResponseWriter that buffers the answer.
type bufferedAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
	begun  bool
}

func (a *bufferedAnswer) Header() http.Header { return a.header }

func (a *bufferedAnswer) WriteHeader(status int) {
	if !a.begun && status >= http.StatusOK {
		a.status = status
		a.begun = true
	}
}

func (a *bufferedAnswer) Write(p []byte) (int, error) {
	a.begun = true
	return a.body.Write(p)
}

func (a *bufferedAnswer) send(answer *recordedAnswer, half bool) {
	body := a.body.Bytes()
	if half && len(body) == 0 {
		answer.abort()
	}

	maps.Copy(answer.Header(), a.header)

	if len(body) > 0 {
		answer.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}

	answer.WriteHeader(a.status)

	if !half {
		_, _ = answer.Write(body)
		return
	}

	_, _ = answer.Write(body[:len(body)/2])
	_ = http.NewResponseController(answer).Flush()
	answer.abort()
}
