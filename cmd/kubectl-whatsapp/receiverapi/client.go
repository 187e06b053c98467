// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package receiverapi is a client of the console API, which docs/openapi/console-api.v1.yaml
// describes.
package receiverapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

const (
	// callTimeout bounds a call whose answer is small. It includes the wait for another receiver.
	callTimeout = 90 * time.Second
	// maxAnswer bounds the body of such an answer, and maxError the text of an error.
	maxAnswer = 64 << 20
	maxError  = 4 << 10

	prefix = "/v1"
)

// Client calls one receiver.
type Client struct {
	HTTP   *http.Client // without a timeout
	URL    string       // of the console port, without a path
	Actor  string       // who calls, for the audit log; may be empty
	Reveal bool         // ask for names, numbers and texts of persons
}

// get returns an answer.
func get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	return call[T](ctx, c, http.MethodGet, path, query)
}

// call calls the receiver and returns its answer.
func call[T any](ctx context.Context, c *Client, method, path string, query url.Values) (T, error) {
	var answer T

	err := c.call(ctx, method, path, query, &answer)

	return answer, err
}

// call calls the receiver and reads its answer into target, unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, target any) error {
	return c.callFor(ctx, callTimeout, method, path, query, target)
}

// callFor is call with a timeout for a call that may take longer.
func (c *Client) callFor(ctx context.Context, timeout time.Duration, method, path string, query url.Values, target any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	response, err := c.send(ctx, method, path, query)
	if err != nil {
		return err
	}
	defer response.Body.Close()

	if target == nil {
		return nil
	}

	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return brokenOff(err, method)
	}

	if err := json.Unmarshal(body, target); err != nil {
		return fmt.Errorf("read the answer of the receiver to %s %s: %w", method, path, err)
	}

	return nil
}

// brokenOff returns the error of an answer that arrived in part, as when the receiver stops. A call that changes something
// has had its effect by then.
func brokenOff(err error, method string) error {
	if errors.Is(err, context.Canceled) {
		return err
	}

	fix := "Try again."
	if method != http.MethodGet {
		fix = "Look at what it changed before you repeat it."
	}

	return output.Unreachable(fix, "the answer of the receiver broke off: %w", err)
}

// send calls the receiver. It returns an answer with a status below 300; the caller closes its body.
func (c *Client) send(ctx context.Context, method, path string, query url.Values) (*http.Response, error) {
	if c.Reveal {
		if query == nil {
			query = url.Values{}
		}

		query.Set("reveal", "true")
	}

	address := c.URL + prefix + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}

	request, err := http.NewRequestWithContext(ctx, method, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("prepare a call of the receiver: %w", err)
	}

	if c.Actor != "" {
		request.Header.Set(consoleapi.ActorHeader, c.Actor)
	}

	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, unreachable(err, c.URL)
	}

	if response.StatusCode < http.StatusMultipleChoices {
		return response, nil
	}
	defer response.Body.Close()

	return nil, refused(response)
}

// unreachable returns the error of a call without an answer.
func unreachable(err error, address string) error {
	if known, ok := errors.AsType[*output.Error](err); ok {
		return known
	}

	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}

	if call, ok := errors.AsType[*url.Error](err); ok {
		err = call.Err
	}

	return output.Unreachable(
		"Check that a receiver listens there: its console port is listen.console of its configuration.",
		"call the receiver at %s: %w", address, err)
}

// StatusError is an answer that is not a success.
type StatusError struct {
	Status int
	Text   string // for people
}

// Error returns the text of the answer.
func (e *StatusError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("the receiver answered %d %s", e.Status, http.StatusText(e.Status))
	}

	return e.Text
}

// unknownParameter returns the parameter because of which the receiver refused a call, or "". The tool has checked what people type, so
// that such a receiver is older than the tool.
func (e *StatusError) unknownParameter() string {
	if e.Status != http.StatusBadRequest {
		return ""
	}

	return consoleapi.UnknownParameter(e.Text)
}

// isInterrupted reports whether a call ended without an answer because its caller has left: the receiver may have got it.
func isInterrupted(ctx context.Context, err error) bool {
	_, isAnswer := errors.AsType[*StatusError](err)

	return err != nil && !isAnswer && ctx.Err() != nil
}

// HasStatus reports whether err is an answer with the status.
func HasStatus(err error, status int) bool {
	answer, ok := errors.AsType[*StatusError](err)

	return ok && answer.Status == status
}

// refused returns an answer that is not a success as an error for people.
func refused(response *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxError))
	answer := &StatusError{
		Status: response.StatusCode,
		Text:   strings.TrimSpace(string(text)),
	}

	const upgrade = "Upgrade the operator, which upgrades the receivers: the command status shows their version."

	if answer.Text == "404 page not found" {
		return output.Failed(upgrade+"\nAn --address is that of the console port, which is listen.console of the configuration.",
			"the receiver is of a version without this call: %w", answer)
	}

	if answer.unknownParameter() != "" {
		return output.Failed(upgrade, "the receiver is older than this tool: %w", answer)
	}

	code := output.CodeFailed

	var fix string

	switch response.StatusCode {
	case http.StatusBadRequest:
		code = output.CodeUsage
	case http.StatusForbidden:
		code = output.CodeUnreachable
		fix = "Call the receiver as localhost."
	case http.StatusNotFound:
		fix = "Check the ID: the lists show all IDs."
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		code = output.CodeUnreachable
		fix = "See why with the commands status and logs, and try again."
	}

	return &output.Error{
		Code: code,
		Fix:  fix,
		Err:  answer,
	}
}
