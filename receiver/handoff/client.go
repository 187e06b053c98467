// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package handoff

import (
	"context"
	"net/http"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// Op is the operation of the failures of calls to the desk.
const Op = "call the desk"

// CodeNoKey is the failure code of a call without the key of the desk. The others are those of package httpclient.
const CodeNoKey = "no_handoff_key"

// Client calls the desk. It reads address and key from the configuration at each call.
type Client struct {
	http *httpclient.Client
	live *config.Live
}

// NewClient returns a client with a pool of up to connections idle connections.
func NewClient(live *config.Live, connections int, clock clockwork.Clock) *Client {
	return &Client{
		http: httpclient.New(httpclient.Options{
			Clock:       clock,
			Peer:        "the desk",
			Setting:     "handoff.url",
			Connections: connections,
			Authorities: func() string { return live.Current().Secrets.HandoffCA },
		}),
		live: live,
	}
}

// Close closes the idle connections.
func (c *Client) Close() { c.http.Close() }

// Post posts the body of a request under its id, which is the same for each attempt. Errors are of type *failure.Error; a
// 4xx other than 401, 403, 404, 405, 408, 409, 425 and 429 is permanent. Without a desk it does nothing.
func (c *Client) Post(ctx context.Context, id string, body []byte) error {
	settings := c.live.Current()
	if settings.Handoff.URL == "" {
		return nil
	}

	header := http.Header{
		"Content-Type":    {"application/json"},
		"Idempotency-Key": {id},
	}

	if settings.Handoff.AuthScheme != config.AuthNone {
		key := settings.Secrets.HandoffKey
		if fault := checkKey(key); fault != nil {
			return fault
		}

		header.Set("Authorization", "Bearer "+key)
	}

	tracing.Inject(ctx, header)

	response, fault := c.http.Do(ctx, httpclient.Call{
		Op:         Op,
		Method:     http.MethodPost,
		BaseURL:    settings.Handoff.URL,
		Header:     header,
		Body:       body,
		Timeout:    settings.Handoff.Timeout,
		Idempotent: true,
	})
	if fault != nil {
		return fault
	}

	if fault := classify(response); fault != nil {
		return fault
	}

	return nil
}

func checkKey(key string) *failure.Error {
	if key == "" {
		return &failure.Error{
			Class: failure.Configuration,
			Op:    Op,
			Code:  CodeNoKey,
			Text:  "the secret " + config.RoleHandoffKey + " for the desk is missing: create it",
		}
	}

	return httpclient.CheckCredential(Op, failure.ScopeNone, config.RoleHandoffKey, key)
}

// classify returns the failure that a response means, or nil.
func classify(response *httpclient.Response) *failure.Error {
	status := response.Status
	f := &failure.Error{
		Op:         Op,
		Code:       httpclient.StatusCode(status),
		RetryAfter: response.RetryAfter,
	}

	switch {
	case status >= 200 && status <= 299:
		return nil
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		f.Class = failure.Configuration
		f.Text = "the desk refuses the key: set another one"
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status >= 300 && status <= 399:
		f.Class = failure.Configuration
		f.Text = "the desk is at another address: check handoff.url"
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly || status == http.StatusConflict ||
		status == http.StatusTooManyRequests || status >= 500:
		f.Class = failure.Transient
		f.Text = "the desk is unavailable"
	default:
		f.Class = failure.Permanent
		f.Text = "the desk refuses the message"
	}

	return f
}
