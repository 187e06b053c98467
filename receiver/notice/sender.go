// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/signature"
)

const op = "send notice"

// Failure codes of notices, besides those of package httpclient.
const (
	CodeUnreadable   = "unreadable" // the stored notice cannot be decoded or encoded
	CodeNoSigningKey = "no_signing_key"
)

// Sender posts notices. It reads address and signing key from the configuration at each call.
type Sender struct {
	http  *httpclient.Client
	live  *config.Live
	clock clockwork.Clock
}

// NewSender returns a sender with a pool of up to connections idle connections.
func NewSender(live *config.Live, connections int, clock clockwork.Clock) *Sender {
	return &Sender{
		http: httpclient.New(httpclient.Options{
			Clock:       clock,
			Peer:        "the sink",
			Setting:     "notifications.sinkURL",
			Connections: connections,
			Authorities: func() string { return live.Current().Secrets.SinkCA },
		}),
		live:  live,
		clock: clock,
	}
}

// Close closes the idle connections.
func (s *Sender) Close() { s.http.Close() }

// Send posts one stored notice under its id. Errors are of type *failure.Error; a 4xx other than 401, 403, 404, 405, 408, 425
// and 429 is permanent. Without a sink it does nothing. A notice that has to be signed waits for the signing key.
func (s *Sender) Send(ctx context.Context, id string, stored []byte) error {
	settings := s.live.Current()
	if settings.Notifications.SinkURL == "" {
		return nil
	}

	key := settings.Secrets.SinkSigningKey
	if key == "" && settings.Notifications.Signed {
		return &failure.Error{
			Class: failure.Configuration,
			Op:    op,
			Code:  CodeNoSigningKey,
			Text:  "the signing key of notices is missing: create its Secret",
		}
	}

	var n Notice
	if err := json.Unmarshal(stored, &n); err != nil {
		return unreadable("the stored notice cannot be decoded")
	}

	body, err := n.encode(id)
	if err != nil {
		return unreadable("the stored notice is not a CloudEvent")
	}

	header := http.Header{"Content-Type": {"application/cloudevents+json; charset=utf-8"}}
	if key != "" {
		if err := signature.NewKey(key).Sign(header, id, s.clock.Now(), body); err != nil {
			return unreadable("the notice cannot be signed")
		}
	}

	response, fault := s.http.Do(ctx, httpclient.Call{
		Op:         op,
		Method:     http.MethodPost,
		BaseURL:    settings.Notifications.SinkURL,
		Header:     header,
		Body:       body,
		Timeout:    settings.Notifications.Timeout,
		Idempotent: true,
	})
	if fault != nil {
		return fault
	}

	return classify(response)
}

func unreadable(text string) error {
	return &failure.Error{
		Class: failure.Permanent,
		Op:    op,
		Code:  CodeUnreadable,
		Text:  text,
	}
}

// classify returns the failure that a response means, or nil.
func classify(response *httpclient.Response) error {
	status := response.Status
	if status >= 200 && status <= 299 {
		return nil
	}

	f := &failure.Error{
		Class:      failure.Transient,
		Op:         op,
		Code:       httpclient.StatusCode(status),
		Text:       "the sink is unavailable",
		RetryAfter: response.RetryAfter,
	}

	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		f.Class = failure.Configuration
		f.Text = "the sink refuses notices: check notifications.sinkURL and the signing key"
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status >= 300 && status <= 399:
		f.Class = failure.Configuration
		f.Text = "the sink is at another address, and redirects are not followed: check notifications.sinkURL"
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly || status == http.StatusTooManyRequests || status >= 500:
	default:
		f.Class = failure.Permanent
		f.Text = "the sink refuses the notice"
	}

	return f
}
