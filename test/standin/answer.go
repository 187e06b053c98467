// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"net/http"
)

// Answer is a reply with an explicit HTTP status.
type Answer struct {
	// Status defaults to 200.
	Status int
	// Body is sent as JSON; nil sends an empty body.
	Body any
}

// encodedAnswer is an answer that can be repeated for its Idempotency-Key.
type encodedAnswer struct {
	status int
	body   []byte
}

// isTemporary reports whether a later call with the same Idempotency-Key may get another answer.
func (a encodedAnswer) isTemporary() bool {
	switch a.status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return a.status >= http.StatusInternalServerError
	}
}

func encodeAnswer(reply any) encodedAnswer {
	answer, explicit := reply.(Answer)
	switch {
	case reply == nil:
		return encodedAnswer{status: http.StatusNoContent}
	case !explicit:
		answer = Answer{Status: http.StatusOK, Body: reply}
	case answer.Status < 200 || answer.Status > 599:
		answer.Status = http.StatusOK
	}

	if answer.Body == nil {
		return encodedAnswer{status: answer.Status}
	}

	body, err := json.Marshal(answer.Body)
	if err != nil {
		return encodedAnswer{
			status: http.StatusInternalServerError,
			body:   []byte(`{"error":{"code":"E01000","message":"the reply is not JSON"}}`),
		}
	}

	return encodedAnswer{answer.Status, body}
}

func (a encodedAnswer) write(w http.ResponseWriter) {
	if len(a.body) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}

	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// noMessagesAPI is the answer of a stand-in that should answer later and cannot.
func noMessagesAPI() Answer {
	return Answer{
		Status: http.StatusInternalServerError,
		Body:   map[string]any{"error": map[string]string{"code": "E01000", "message": "there is no messages API to answer later"}},
	}
}
