// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
)

// RefusedError is the refusal of a message, with the HTTP status and the message of the API. It has no personal data.
type RefusedError struct {
	Status  int
	Message string
}

// Error returns the message.
func (e *RefusedError) Error() string { return e.Message }

// SendText stores a text to the person of a conversation, and gives the conversation to people, as a request of a desk does.
// The text is sent as it is, without a conversion of its format. The caller must have authenticated the sender. A call with
// the key of an earlier call stores nothing, and reports isRepeated. Errors are of type *[RefusedError].
func (a *API) SendText(ctx context.Context, conversation, text, key string) (stored Stored, isRepeated bool, err error) {
	body, err := json.Marshal(map[string]string{
		"conversation_key": conversation,
		"handler":          handlerHuman,
		"response":         text,
	})
	if err != nil {
		return Stored{}, false, fmt.Errorf("encode a text: %w", err)
	}

	result, err := a.run(ctx, &request{
		Request: &http.Request{
			Method: http.MethodPost,
			URL:    &url.URL{Path: config.MessagesPath + "messages"},
			Header: http.Header{"Idempotency-Key": {key}},
		},
		settings: a.Live.Current(),
		caller:   caller{role: outbound.Desk},
		body:     body,
		verbatim: true,
	}, sendOperation)
	if err != nil {
		p := a.problemOf(sendOperation, err)
		a.Metrics.MessagesRequest(sendOperation.name, p.status)

		return Stored{}, false, &RefusedError{Status: p.status, Message: p.message}
	}

	a.Metrics.MessagesRequest(sendOperation.name, result.status)
	stored, _ = result.body.(Stored)

	return stored, result.status == http.StatusOK, nil
}
