// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// slowTimeout bounds a call of the API until it begins to answer. The checks of the doctor take a minute.
const slowTimeout = 90 * time.Second

// InProcess returns the API that a handler in this process serves. Actor names who uses it.
func InProcess(handler http.Handler, actor string) API {
	return API{
		Client: &http.Client{Transport: inProcess{handler}},
		Base:   "http://localhost/v1",
		Actor:  actor,
	}
}

// inProcess is a transport that calls a handler. The answer is streamed, so that an export of any size needs no memory.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper. It returns once the handler has begun its answer.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(r.Context())
	answer := &pipedAnswer{
		header: http.Header{},
		pipe:   writer,
		begun:  make(chan struct{}),
	}

	go func() {
		defer cancel()

		t.handler.ServeHTTP(answer, r.WithContext(ctx))
		answer.WriteHeader(http.StatusOK)

		_ = writer.Close()
	}()

	timer := time.NewTimer(slowTimeout)
	defer timer.Stop()

	select {
	case <-answer.begun:
	case <-r.Context().Done():
		cancel()

		_ = reader.Close()

		return nil, r.Context().Err()
	case <-timer.C:
		cancel()

		_ = reader.Close()

		return nil, fmt.Errorf("no answer within %s", slowTimeout)
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
