// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// postDelay and maxPostDelay bound the wait before a message is posted once more.
	postDelay    = 10 * time.Millisecond
	maxPostDelay = 5 * time.Second
	// maxMessagesAnswer bounds the answers of the messages API that are read.
	maxMessagesAnswer = 1 << 20
)

// MessagesAPI is the access of an AI or a desk to a receiver's messages API.
type MessagesAPI struct {
	// URL is the address without /v1, such as http://sales-messages:9092.
	URL string
	// Key is sent as Bearer.
	Key string
	// Client sends the requests. Defaults to http.DefaultClient.
	Client *http.Client
}

// Posted is the result of a message that was posted to the messages API.
type Posted struct {
	// Status is the HTTP status of the last answer, 0 if there was none.
	Status int `json:"status"`
	// ID is the id that the API gave the message.
	ID string `json:"id"`
	// Replayed reports whether the API had stored the message before.
	Replayed bool `json:"replayed"`
	// Attempts is the number of requests.
	Attempts int `json:"attempts"`
	// Body is the last answer.
	Body string `json:"body"`
}

// Post posts a message as a careful client does: with one Idempotency-Key for all attempts, and again after answers that are
// temporary or missing, until ctx ends. The access is read for each attempt, since a receiver may return elsewhere. An
// answer of 4xx other than 429 is a result, too.
func Post(ctx context.Context, access func() MessagesAPI, idempotencyKey string, message map[string]any) (Posted, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return Posted{}, fmt.Errorf("encoding the message: %w", err)
	}

	var posted Posted

	for pause := postDelay; ; pause = min(2*pause, maxPostDelay) {
		posted.Attempts++
		api := access()

		answer, err := api.call(ctx, http.MethodPost, "/v1/messages", idempotencyKey, body)
		if err == nil {
			posted.Status = answer.status
			posted.Body = string(answer.body)
			posted.Replayed = answer.header.Get("Idempotency-Replayed") == "true"

			if !(encodedAnswer{status: answer.status}).isTemporary() {
				var stored struct{ ID string }

				_ = json.Unmarshal(answer.body, &stored) // an error has no id
				posted.ID = stored.ID

				return posted, nil
			}

			if seconds, err := strconv.Atoi(answer.header.Get("Retry-After")); err == nil {
				pause = max(pause, time.Duration(seconds)*time.Second)
			}
		}

		select {
		case <-ctx.Done():
			return posted, fmt.Errorf("posting a message, %d attempts: %w", posted.Attempts, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// SetHandler gives a conversation, named by an event id or a conversation key, to the AI or to people. The request may have
// "for", "reason" and "text".
func (a MessagesAPI) SetHandler(
	ctx context.Context,
	conversation string,
	request map[string]any,
) (status int, body map[string]any, err error) {
	return a.object(ctx, http.MethodPut, "/v1/conversations/"+url.PathEscape(conversation)+"/handler", request)
}

// Handler returns the answer of GET /v1/conversations/{…}/handler.
func (a MessagesAPI) Handler(ctx context.Context, conversation string) (status int, body map[string]any, err error) {
	return a.object(ctx, http.MethodGet, "/v1/conversations/"+url.PathEscape(conversation)+"/handler", nil)
}

func (a MessagesAPI) object(
	ctx context.Context,
	method, path string,
	request map[string]any,
) (status int, body map[string]any, err error) {
	var raw []byte
	if request != nil {
		if raw, err = json.Marshal(request); err != nil {
			return 0, nil, fmt.Errorf("encoding the request: %w", err)
		}
	}

	answer, err := a.call(ctx, method, path, "", raw)
	if err != nil {
		return 0, nil, err
	}

	if err := json.Unmarshal(answer.body, &body); err != nil && len(answer.body) > 0 {
		return answer.status, nil, fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}

	return answer.status, body, nil
}

type messagesAnswer struct {
	status int
	header http.Header
	body   []byte
}

func (a MessagesAPI) call(ctx context.Context, method, path, idempotencyKey string, body []byte) (messagesAnswer, error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return messagesAnswer{}, fmt.Errorf("building the request: %w", err)
	}

	request.Header.Set("Authorization", "Bearer "+a.Key)

	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}

	if idempotencyKey != "" {
		request.Header.Set("Idempotency-Key", idempotencyKey)
	}

	client := a.Client
	if client == nil {
		client = http.DefaultClient
	}

	response, err := client.Do(request)
	if err != nil {
		return messagesAnswer{}, fmt.Errorf("calling the messages API: %w", err)
	}
	defer func() { _ = response.Body.Close() }()

	content, err := io.ReadAll(io.LimitReader(response.Body, maxMessagesAnswer))
	if err != nil {
		return messagesAnswer{}, fmt.Errorf("reading the answer of the messages API: %w", err)
	}

	return messagesAnswer{
		status: response.StatusCode,
		header: response.Header,
		body:   content,
	}, nil
}
