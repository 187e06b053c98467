// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/requestbody"
)

// readBody reads a body within the limit of one body and of all large bodies together. A status other than 0 means that the
// request was refused; else the caller has to call release.
func (e *Edge) readBody(
	w http.ResponseWriter,
	r *http.Request,
	settings *config.Snapshot,
) (body []byte, release func(), status int) {
	body, release, err := e.bodies.Read(w, r, settings.Webhook.MaxBodyBytes)
	if errors.Is(err, requestbody.ErrBusy) {
		return nil, nil, unavailable(w, "too many large deliveries at once")
	}

	if err != nil {
		return nil, nil, readFailed(w, err)
	}

	return body, release, 0
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
	return refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("%s%d bytes", TooLarge, limit))
}
