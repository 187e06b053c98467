// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// smallBody is the number of bytes of each body that are not counted, since the number of connections bounds them.
// Nearly every delivery is smaller, and so never competes with large ones for memory.
const smallBody = 16 << 10

// readBody reads a body within the limit of one body and of all large bodies together. It reserves memory for bytes that
// have arrived, not for the announced length: a client that announces much and sends little must not block others. A
// status other than 0 means that the request was refused; else the caller has to call release.
func (e *Edge) readBody(
	w http.ResponseWriter,
	r *http.Request,
	settings *config.Snapshot,
) (body []byte, release func(), status int) {
	limit := settings.Webhook.MaxBodyBytes

	maxSize := limit
	if r.ContentLength >= 0 {
		maxSize = r.ContentLength
	}

	if maxSize > limit {
		return nil, nil, tooLarge(w, limit)
	}

	var reserved int64

	release = func() { e.bodyBytes.Release(reserved) }
	body = make([]byte, 0, min(maxSize, smallBody)+1) // one byte more, so that a full buffer means that more arrived
	source := http.MaxBytesReader(w, r.Body, limit)

	for {
		n, err := source.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]

		if errors.Is(err, io.EOF) {
			return body, release, 0
		}

		if err != nil {
			release()
			return nil, nil, readFailed(w, err)
		}

		if len(body) < cap(body) {
			continue
		}

		size := min(2*int64(cap(body)), maxSize+1)
		more := size - smallBody - reserved

		if !e.bodyBytes.TryAcquire(more) {
			release()
			return nil, nil, unavailable(w, "too many large deliveries at once")
		}

		reserved += more

		body = append(make([]byte, 0, size), body...)
	}
}

func readFailed(w http.ResponseWriter, err error) int {
	w.Header().Set("Connection", "close")

	if tooMuch, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(w, tooMuch.Limit)
	}

	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refuse(w, http.StatusRequestTimeout, "the body did not arrive in time")
	}

	return refuse(w, http.StatusBadRequest, "the body could not be read to its end")
}

func tooLarge(w http.ResponseWriter, limit int64) int {
	return refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("a delivery has at most %d bytes", limit))
}
