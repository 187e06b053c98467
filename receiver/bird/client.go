// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

const maxResponseBytes = 1 << 20

// Client calls Bird. It reads address, authentication scheme and access key from the configuration at each call. It is
// safe for concurrent use.
//
// Errors of its methods are of type *failure.Error. A call may be repeated: Bird recognizes it by its Idempotency-Key.
// Whether a call may be made now is for the caller to decide (package gate).
type Client struct {
	http *httpclient.Client
	live *config.Live
}

// NewClient returns a client with a pool of up to connections idle connections.
func NewClient(live *config.Live, connections int, clock clockwork.Clock) *Client {
	return &Client{
		http: httpclient.New(httpclient.Options{
			Clock:       clock,
			Peer:        "Bird",
			Setting:     "bird.baseURL",
			Connections: connections,
		}),
		live: live,
	}
}

// Close closes the idle connections.
func (c *Client) Close() { c.http.Close() }

// Enabled reports whether the configuration enables m. By default all methods are enabled except ProcessOther.
func (c *Client) Enabled(m Method) bool { return *endpoint(c.live.Current().Bird, m).Enabled }

// Ask sends a request to the AI and returns its answer.
func (c *Client) Ask(ctx context.Context, r Request) (Answer, error) {
	body, fault := c.call(ctx, r)
	if fault != nil {
		return Answer{}, fault
	}

	return parseAnswer(string(r.Method), body)
}

// Analyze calls one of the analysis methods with the media of r.
func (c *Client) Analyze(ctx context.Context, r Request) (Analysis, error) {
	body, fault := c.call(ctx, r)
	if fault != nil {
		return Analysis{}, fault
	}

	return parseAnalysis(r.Method, body)
}

// Notify reports the change of a message's status. Bird's answer is ignored.
func (c *Client) Notify(ctx context.Context, r Request) error {
	if _, fault := c.call(ctx, r); fault != nil {
		return fault
	}

	return nil
}

// call makes one call and returns the body of a 2xx response. If media in base64 is too large for Bird, call sends it once more as multipart.
func (c *Client) call(ctx context.Context, r Request) ([]byte, *failure.Error) {
	settings := c.live.Current()
	if settings.Secrets.BirdAccessKey == "" {
		return nil, &failure.Error{
			Class: failure.Configuration,
			Scope: failure.ScopeBird,
			Op:    string(r.Method),
			Code:  CodeNoAccessKey,
			Text:  "the Bird access key is missing: create its Secret",
		}
	}

	key := settings.Secrets.BirdAccessKey
	if fault := httpclient.CheckCredential(string(r.Method), failure.ScopeBird, config.RoleBirdAccessKey, key); fault != nil {
		return nil, fault
	}

	var how transport
	if r.Media != nil {
		how = chooseTransport(settings.Bird.Media.Transport, r.Media.Size)
	}

	status, body, fault := c.send(ctx, settings, r, how)
	if status == http.StatusRequestEntityTooLarge && how == inBase64 {
		_, body, fault = c.send(ctx, settings, r, inMultipart)
	}

	return body, fault
}

// send sends r once. The status is 0 if there was no response. The body is that of a 2xx response.
func (c *Client) send(ctx context.Context, settings *config.Snapshot, r Request, how transport) (status int, body []byte, _ *failure.Error) {
	op := string(r.Method)

	content, err := encode(r, how)
	if err != nil {
		return 0, nil, &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeBadRequest,
			Text:  "the message cannot be encoded",
		}
	}

	target := endpoint(settings.Bird, r.Method)

	response, fault := c.http.Do(ctx, httpclient.Call{
		Op:         op,
		Method:     http.MethodPost,
		BaseURL:    settings.Bird.BaseURL,
		Path:       []string{target.Path},
		Header:     header(ctx, settings, r, content.contentType),
		Content:    content.open,
		Length:     content.size(),
		Timeout:    target.Timeout,
		MaxBody:    maxResponseBytes,
		Idempotent: true,
	})
	switch {
	case fault != nil && fault.Code == CodeNoMedia:
		fault.Op = op
		return 0, nil, fault
	case fault != nil:
		fault.Scope = failure.ScopeBird

		return 0, nil, fault
	case response.Status < 200 || response.Status > 299:
		return response.Status, nil, refused(op, response)
	case response.Truncated:
		return response.Status, nil, badResponse(op, fmt.Sprintf("the answer is larger than %d bytes", maxResponseBytes))
	}

	return response.Status, response.Body, nil
}

func header(ctx context.Context, settings *config.Snapshot, r Request, contentType string) http.Header {
	var id [16]byte

	rand.Read(id[:]) // crypto/rand never fails

	h := http.Header{}
	h.Set("Content-Type", contentType)
	h.Set("Accept", "application/json")
	h.Set("Idempotency-Key", r.idempotencyKey())
	h.Set("X-Request-Id", hex.EncodeToString(id[:]))
	h.Set("X-Attempt", strconv.Itoa(r.Attempt))
	tracing.Inject(ctx, h)

	key := settings.Secrets.BirdAccessKey
	switch settings.Bird.AuthScheme {
	case config.AuthBearer:
		h.Set("Authorization", "Bearer "+key)
	case config.AuthAPIKey:
		h.Set("X-API-Key", key)
	default:
		h.Set("Authorization", "AccessKey "+key)
	}

	return h
}
