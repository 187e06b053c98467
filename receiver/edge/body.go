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

// smallBody bytes of each body are not counted, since the number of connections bounds them. Nearly every delivery is
// smaller, and so is never refused for the room that large ones take.
const smallBody = 16 << 10

// readBody reads a whole body within the bounds of one and of all. Room is taken for what has come, not for what is
// announced: who announces much and sends little must not take it from others. A status other than 0 says that the body
// was refused.
func (e *Edge) readBody(w http.ResponseWriter, r *http.Request, settings *config.Snapshot) (body []byte, release func(), status int) {
	limit := settings.Webhook.MaxBodyBytes

	most := limit
	if r.ContentLength >= 0 {
		most = r.ContentLength
	}

	if most > limit {
		return nil, nil, tooLarge(w, limit)
	}

	var held int64

	release = func() { e.bodies.Release(held) }
	body = make([]byte, 0, min(most, smallBody)+1) // one more, so that a full buffer means that more came

	source := http.MaxBytesReader(w, r.Body, limit)
	for {
		n, err := source.Read(body[len(body):cap(body)])

		body = body[:len(body)+n]
		if errors.Is(err, io.EOF) {
			return body, release, 0
		}

		if err != nil {
			release()
			return nil, nil, unread(w, err)
		}

		if len(body) < cap(body) {
			continue
		}

		size := min(2*int64(cap(body)), most+1)

		more := size - smallBody - held
		if !e.bodies.TryAcquire(more) {
			release()
			return nil, nil, unavailable(w, "too many large deliveries at once")
		}

		held += more

		body = append(make([]byte, 0, size), body...)
	}
}

func unread(w http.ResponseWriter, err error) int {
	w.Header().Set("Connection", "close")

	if tooMuch, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(w, tooMuch.Limit)
	}

	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refuse(w, http.StatusRequestTimeout, "the body did not come in time")
	}

	return refuse(w, http.StatusBadRequest, "the body could not be read to its end")
}

func tooLarge(w http.ResponseWriter, limit int64) int {
	return refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("a delivery has at most %d bytes", limit))
}
