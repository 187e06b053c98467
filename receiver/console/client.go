// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// maxAnswer bounds an answer of the API in bytes. Exports are streamed instead.
const maxAnswer = 16 << 20

// API is the console API of one receiver (docs/openapi/console-api.v1.yaml).
type API struct {
	Client *http.Client // with a timeout
	Base   string       // the URL that the paths of the API follow, such as http://localhost:9091/v1
	Actor  string       // who uses the console, for the audit log of the receiver; may be empty
	// ReadOnly says why nothing can be changed; empty if everything can.
	ReadOnly string

	claimed bool // the request for a page claims the actor
}

// calledBy returns the API for a request for a page.
func (a API) calledBy(page *http.Request) API {
	if a.claimed {
		a.Actor = page.Header.Get(consoleapi.ActorHeader)
	}

	return a
}

// apiError is an answer other than 2xx.
type apiError struct {
	status int
	text   string
}

func (e *apiError) Error() string { return e.text }

// send makes a request and returns the answer, whose body the caller closes. An answer other than 2xx is an [apiError].
func (a API) send(ctx context.Context, method, path string, query url.Values) (*http.Response, error) {
	target := a.Base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}

	request, err := http.NewRequestWithContext(ctx, method, target, http.NoBody) //nolint:gosec // the host is that of Base
	if err != nil {
		return nil, fmt.Errorf("request a path of the receiver: %w", withoutURL(err))
	}

	return a.do(request)
}

// post sends a JSON document. The receiver recognizes a repetition by the key.
func (a API) post(ctx context.Context, path string, document any, key string) error {
	body, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("encode a request: %w", err)
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Base+path, bytes.NewReader(body)) //nolint:gosec // the host is that of Base
	if err != nil {
		return fmt.Errorf("request a path of the receiver: %w", withoutURL(err))
	}

	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)

	response, err := a.do(request)
	if err != nil {
		return err
	}

	return response.Body.Close()
}

func (a API) do(request *http.Request) (*http.Response, error) {
	if a.Actor != "" {
		request.Header.Set(consoleapi.ActorHeader, a.Actor)
	}

	response, err := a.Client.Do(request) //nolint:gosec // the host is that of Base
	if err != nil {
		return nil, fmt.Errorf("ask the receiver: %w", withoutURL(err))
	}

	if response.StatusCode/100 == 2 {
		return response, nil
	}

	defer response.Body.Close()

	text, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err != nil {
		return nil, fmt.Errorf("read the answer of the receiver: %w", err)
	}

	return nil, &apiError{status: response.StatusCode, text: strings.TrimSpace(string(text))}
}

// withoutURL returns the cause of a failed call. The URL around it may name a person, and errors are logged.
func withoutURL(err error) error {
	if call, ok := errors.AsType[*url.Error](err); ok {
		return call.Err
	}

	return err
}

// Get returns the decoded answer to a GET.
func Get[T any](ctx context.Context, a API, path string, query url.Values) (T, error) {
	return call[T](ctx, a, http.MethodGet, path, query)
}

// call makes a request and returns the decoded answer. An answer without a body leaves the zero value.
func call[T any](ctx context.Context, a API, method, path string, query url.Values) (T, error) {
	var decoded T

	response, err := a.send(ctx, method, path, query)
	if err != nil {
		return decoded, err
	}
	defer response.Body.Close()

	if response.StatusCode == http.StatusNoContent {
		return decoded, nil
	}

	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&decoded); err != nil {
		return decoded, fmt.Errorf("decode the answer of the receiver: %w", err)
	}

	return decoded, nil
}
