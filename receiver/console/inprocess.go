// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// slowTimeout bounds a call of the API until it begins to answer. The handlers bound their own time, so it is longer than
// that of each.
const slowTimeout = consoleapi.PersonTimeout + time.Minute

// InProcess returns the API that a handler in this process serves. Actor names who uses it; if it is empty, the header
// [consoleapi.ActorHeader] of a request for a page does. So an empty actor is for pages at the port of the API, where a
// person may claim the same in a call of the API. The log gets the panics of the handler.
func InProcess(handler http.Handler, actor string, log *slog.Logger) API {
	return API{
		Client:  &http.Client{Transport: inProcess{handler, log}},
		Base:    "http://localhost/v1",
		Actor:   actor,
		claimed: actor == "",
	}
}

// inProcess is a transport that calls a handler. The answer is streamed, so that an export of any size needs no memory.
type inProcess struct {
	handler http.Handler
	log     *slog.Logger
}

// RoundTrip implements http.RoundTripper. It returns once the handler has begun its answer.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(r.Context())
	answer := &pipedAnswer{
		header: http.Header{},
		pipe:   writer,
		begun:  make(chan struct{}),
	}

	go func() {
		defer cancel()

		p.serve(answer, r.WithContext(ctx))
	}()

	timer := time.NewTimer(slowTimeout)
	defer timer.Stop()

	select {
	case <-answer.begun:
	case <-r.Context().Done():
	case <-timer.C:
		cancel()

		_ = reader.Close()

		return nil, fmt.Errorf("no answer within %s", slowTimeout)
	}

	// Checked last: a handler whose caller has left may return without an answer, which is no empty answer.
	if err := r.Context().Err(); err != nil {
		cancel()

		_ = reader.Close()

		return nil, err
	}

	return &http.Response{
		StatusCode: answer.status,
		Header:     answer.sent,
		Body:       reader, // closing it ends the writes of the handler
		Request:    r,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
	}, nil
}

// serve calls the handler. A panic ends the answer only, as it does under a server: this goroutine has none above it.
func (p inProcess) serve(answer *pipedAnswer, r *http.Request) {
	defer func() {
		if value := recover(); value != nil {
			p.panicked(answer, value)
		}
	}()

	p.handler.ServeHTTP(answer, r)
	answer.WriteHeader(http.StatusOK)

	// Nil, so the end of the answer, unless the caller has left: the handler may have stopped in the middle of its answer.
	_ = answer.pipe.CloseWithError(r.Context().Err())
}

// panicked logs the panic of a handler, unless the handler only cut its answer off, and lets the reader know that the answer
// is incomplete. The value of a panic may hold what a person wrote, so the log has its type.
func (p inProcess) panicked(answer *pipedAnswer, value any) {
	if err, ok := value.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		p.log.Error("panic while the console was answered: this is a bug",
			"panic", fmt.Sprintf("%T", value),
			"stack", string(debug.Stack()))
	}

	select {
	case <-answer.begun:
		_ = answer.pipe.CloseWithError(io.ErrUnexpectedEOF)
	default:
		http.Error(answer, "the receiver failed: its log says where", http.StatusInternalServerError)

		_ = answer.pipe.Close()
	}
}

// pipedAnswer is the http.ResponseWriter of a handler whose answer is read from a pipe.
type pipedAnswer struct {
	header http.Header
	pipe   *io.PipeWriter

	once   sync.Once
	begun  chan struct{}
	status int
	sent   http.Header // as it was when the answer began
}

func (a *pipedAnswer) Header() http.Header { return a.header }

func (a *pipedAnswer) WriteHeader(status int) {
	a.once.Do(func() {
		a.status = status
		a.sent = a.header.Clone()
		close(a.begun)
	})
}

func (a *pipedAnswer) Write(data []byte) (int, error) {
	a.WriteHeader(http.StatusOK)

	return a.pipe.Write(data)
}
