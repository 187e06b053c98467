// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"io"
	"net/http"
)

// recordedAnswer records its call when the answer begins, or when the call ends without an answer.
type recordedAnswer struct {
	http.ResponseWriter
	recorder *Recorder
	call     Call
	streamed *countingBody
	recorded bool
}

// Unwrap returns the writer for http.ResponseController.
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

// abort closes the connection by panicking with http.ErrAbortHandler, as net/http requires.
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
