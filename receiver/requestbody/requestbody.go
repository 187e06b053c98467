// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package requestbody reads the bodies of requests within a limit of one body, and of all large bodies in memory.
package requestbody

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// small is the number of bytes of each body that are not counted, since the number of connections bounds them. Nearly every
// body is smaller, and so never competes with large ones for memory.
const small = 16 << 10

// ErrBusy is the error for a body for which there is no memory now.
var ErrBusy = errors.New("too many large bodies at once")

// Budget bounds the memory of the bodies that are read at the same time.
type Budget struct {
	size int64
	used atomic.Int64
}

// NewBudget returns a budget of this many bytes.
func NewBudget(bytes int64) *Budget { return &Budget{size: bytes} }

// Used returns the bytes that are reserved.
func (b *Budget) Used() int64 { return b.used.Load() }

func (b *Budget) reserve(bytes int64) bool {
	if b.used.Add(bytes) <= b.size {
		return true
	}

	b.used.Add(-bytes)

	return false
}

// Read reads a body of at most limit bytes. It reserves memory for bytes that have arrived, not for the announced length: a
// client that announces much and sends little must not block others. If there is no error, the caller has to call release
// once it needs the body no more. The error is a *http.MaxBytesError for a body that is too large, or ErrBusy, or that of
// the connection.
func (b *Budget) Read(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, release func(), err error) {
	maxSize := limit
	if r.ContentLength >= 0 {
		maxSize = r.ContentLength
	}

	if maxSize > limit {
		return nil, nil, &http.MaxBytesError{Limit: limit}
	}

	var reserved int64

	release = func() { b.used.Add(-reserved) }
	body = make([]byte, 0, min(maxSize, small)+1) // one byte more, so that a full buffer means that more arrived
	source := http.MaxBytesReader(w, r.Body, limit)

	for {
		n, err := source.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]

		if errors.Is(err, io.EOF) {
			return body, release, nil
		}

		if err != nil {
			release()
			return nil, nil, fmt.Errorf("read body: %w", err)
		}

		if len(body) < cap(body) {
			continue
		}

		size := min(2*int64(cap(body)), maxSize+1)
		more := size - small - reserved

		if !b.reserve(more) {
			release()
			return nil, nil, ErrBusy
		}

		reserved += more

		body = append(make([]byte, 0, size), body...)
	}
}
