// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// retryAfter is the number of seconds after which a caller should try again.
const retryAfter = "5"

// response is the answer to a request.
type response struct {
	status int
	header http.Header
	body   any
}

func (r *response) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(r.body) // an error means that the caller has disconnected
}

// problem is a request that is refused. The message is for people, and has no personal data.
type problem struct {
	status  int
	code    string
	message string
	header  http.Header
	details map[string]any // further properties of the body
}

func (p *problem) Error() string { return p.code + ": " + p.message }

func badRequest(message string) error {
	return &problem{
		status:  http.StatusBadRequest,
		code:    "bad_request",
		message: message,
	}
}

func badContent(message string) error {
	return &problem{
		status:  http.StatusBadRequest,
		code:    "bad_content",
		message: message,
	}
}

func unknown(code, message string) error {
	return &problem{
		status:  http.StatusNotFound,
		code:    code,
		message: message,
	}
}

func deskOnly(message string) error {
	return &problem{
		status:  http.StatusForbidden,
		code:    "desk_only",
		message: message,
	}
}

func tooMany(message string) error {
	return &problem{
		status:  http.StatusTooManyRequests,
		code:    "too_many_requests",
		message: message,
		header:  http.Header{"Retry-After": {retryAfter}},
	}
}

func unavailable(message string) error {
	return &problem{
		status:  http.StatusServiceUnavailable,
		code:    "unavailable",
		message: message,
		header:  http.Header{"Retry-After": {retryAfter}},
	}
}

// refusal returns the answer to a request that failed.
func (a *API) refusal(op operation, err error) *response {
	p := a.problemOf(op, err)

	body := map[string]any{"code": p.code, "message": p.message}
	maps.Copy(body, p.details)

	return &response{
		status: p.status,
		header: p.header,
		body:   body,
	}
}

// problemOf returns the problem with which an operation failed. A failure of the store is logged here, and unavailable to the
// caller.
func (a *API) problemOf(op operation, err error) *problem {
	p, ok := errors.AsType[*problem](err)
	if !ok {
		a.Log.Log(context.Background(), logevent.RequestLevel(err), "request to the messages API answered 503: the store failed",
			"operation", op.name, "error", err)

		text := "the store is unavailable"

		switch {
		case errors.Is(err, store.ErrDiskFull):
			text = "the disk of the store is nearly full"
		case errors.Is(err, store.ErrKey):
			text = store.KeyProblem(err)
		}

		p, _ = errors.AsType[*problem](unavailable(text))
	}

	return p
}
