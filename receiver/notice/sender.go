// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

const (
	op          = "send notice"
	dialTimeout = 10 * time.Second
	// maxAnswer is read of an answer, so that its connection can be used again.
	maxAnswer = 64 << 10
)

// Failure codes of notices, besides those of package httpclient.
const (
	CodeUnreadable  = "unreadable"   // the stored notice cannot be read or encoded
	CodeSinkAddress = "sink_address" // the sink is at a link-local or metadata address
)

// Sender posts notices. Address and signing key are those in force at each call.
type Sender struct {
	http  *http.Client
	live  *config.Live
	clock clockwork.Clock
}

// NewSender keeps up to connections idle connections. Redirects are not followed: what is told is for the sink alone.
func NewSender(live *config.Live, connections int, clock clockwork.Clock) *Sender {
	client := httpclient.New(connections)
	client.Transport.(*http.Transport).DialContext = (&net.Dialer{Timeout: dialTimeout, Control: refuseMetadata}).DialContext

	return &Sender{
		http:  client,
		live:  live,
		clock: clock,
	}
}

// Close ends idle connections.
func (s *Sender) Close() { s.http.CloseIdleConnections() }

// Send posts one stored notice under its id. Errors are of type *failure.Error; a 4xx other than 408, 425 and 429 is
// permanent. Without a sink it does nothing.
func (s *Sender) Send(ctx context.Context, id string, stored []byte) error {
	settings := s.live.Current()
	if settings.Notifications.SinkURL == "" {
		return nil
	}

	var n Notice
	if err := json.Unmarshal(stored, &n); err != nil {
		return &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeUnreadable,
			Text:  "the stored notice cannot be read",
		}
	}

	body, err := n.encode(id)
	if err != nil {
		return &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeUnreadable,
			Text:  "the stored notice is no CloudEvent",
		}
	}

	ctx, cancel := context.WithTimeout(ctx, settings.Notifications.Timeout)
	defer cancel()

	request, err := http.NewRequestWithContext(ctx, http.MethodPost, settings.Notifications.SinkURL, bytes.NewReader(body))
	if err != nil {
		return &failure.Error{
			Class: failure.Configuration,
			Op:    op,
			Code:  httpclient.CodeBadURL,
			Text:  "notifications.sinkURL is no URL",
		}
	}

	request.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	request.Header.Set("User-Agent", "whatsapp-webhook-receiver")

	if key := settings.Secrets.SinkSigningKey; key != "" {
		sign(request.Header, id, s.clock.Now(), body, key)
	}

	response, err := s.http.Do(request)
	if err != nil {
		e := &failure.Error{
			Class: failure.Transient,
			Op:    op,
			Code:  httpclient.CodeNoConnection,
			Text:  "the connection to the sink failed",
		}
		if errors.Is(err, errMetadata) {
			e.Class = failure.Configuration
			e.Code = CodeSinkAddress
			e.Text = "notifications.sinkURL leads to a link-local or metadata address, where no notice is sent"
		}

		if errors.Is(err, context.DeadlineExceeded) {
			e.Code = httpclient.CodeTimeout
			e.Text = "the sink did not answer in time"
		}

		return e
	}
	defer response.Body.Close()

	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)

	return judge(response, s.clock.Now())
}

func judge(response *http.Response, now time.Time) error {
	status := response.StatusCode
	if status >= 200 && status <= 299 {
		return nil
	}

	e := &failure.Error{
		Class: failure.Transient,
		Op:    op,
		Code:  httpclient.StatusCode(status),
		Text:  "the sink is unavailable",
	}

	e.RetryAfter = failure.ParseRetryAfter(response.Header.Get("Retry-After"), now)
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound:
		e.Class = failure.Configuration
		e.Text = "the sink refuses notices: check notifications.sinkURL and the signing key"
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly || status == http.StatusTooManyRequests || status >= 500:
	default:
		e.Class = failure.Permanent
		e.Text = "the sink refuses the notice"
	}

	return e
}

// sign adds the headers of a Standard Webhooks signature. A key that begins with whsec_ is base64.
//
// Source: https://github.com/standard-webhooks/standard-webhooks, "Signature scheme"
func sign(header http.Header, id string, at time.Time, body []byte, key string) {
	secret := []byte(key)
	if encoded, ok := strings.CutPrefix(key, "whsec_"); ok {
		if decoded, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			secret = decoded
		}
	}

	timestamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", timestamp)
	header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
