// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

const maxAnswerBytes = 1 << 20

// Client calls Bird. Address, scheme and access key are those in force at each call. It is safe for concurrent use.
//
// Errors of its methods are of type *failure.Error. A call may be repeated: the Idempotency-Key tells Bird that it is
// the same one. While the circuit breaker is open, calls are not made and fail with the code circuit_open, of class
// Configuration, since they spend no attempt; RetryAfter is the time until the next probe.
type Client struct {
	http    *http.Client
	live    *config.Live
	clock   clockwork.Clock
	breaker *breaker
}

// NewClient keeps up to connections idle connections. Redirects are not followed: the access key must not travel on.
func NewClient(live *config.Live, connections int, clock clockwork.Clock) *Client {
	return &Client{
		http:    httpclient.New(connections),
		live:    live,
		clock:   clock,
		breaker: &breaker{clock: clock},
	}
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Enabled tells whether the configuration has m switched on. All methods are by default, save ProcessOther.
func (c *Client) Enabled(m Method) bool { return *endpoint(c.live.Current().Bird, m).Enabled }

// Ask puts one question and returns what the person is to get.
func (c *Client) Ask(ctx context.Context, r Request) (Answer, error) {
	body, err := c.call(ctx, r)
	if err != nil {
		return Answer{}, err
	}

	return parseAnswer(string(r.Method), body)
}

// Analyze has the media of r looked at, by one of the analysis methods.
func (c *Client) Analyze(ctx context.Context, r Request) (Analysis, error) {
	body, err := c.call(ctx, r)
	if err != nil {
		return Analysis{}, err
	}

	return parseAnalysis(r.Method, body)
}

// Notify tells of the change of a message's status. What Bird answers is of no interest.
func (c *Client) Notify(ctx context.Context, r Request) error {
	_, err := c.call(ctx, r)
	return err
}

// call makes one call, unless the breaker is open, and returns the body of a 2xx. Media that is too large for Bird in
// base64 is sent once more by multipart.
func (c *Client) call(ctx context.Context, r Request) ([]byte, error) {
	op := string(r.Method)

	settings := c.live.Current()
	if settings.Secrets.BirdAccessKey == "" {
		return nil, &failure.Error{
			Class: failure.Configuration,
			Op:    op,
			Code:  CodeNoAccessKey,
			Text:  "the Bird access key is missing: create its Secret",
		}
	}

	var how transport
	if r.Media != nil {
		how = choose(settings.Bird.Media.Transport, r.Media.Size)
	}

	pass, fault := c.breaker.admit(settings, r.Method)
	if fault != nil {
		return nil, fault
	}

	status, body, fault := c.send(ctx, settings, r, how)
	if status == http.StatusRequestEntityTooLarge && how == inBase64 {
		status, body, fault = c.send(ctx, settings, r, inMultipart)
	}

	if status == notSent || status == unknown && ctx.Err() != nil {
		c.breaker.giveUp(pass)
	} else {
		c.breaker.settle(pass, status, fault)
	}

	if fault != nil {
		return nil, fault
	}

	return body, nil
}

// The statuses of calls without an answer.
const (
	unknown = 0
	notSent = -1
)

// send sends r once and reads the whole answer.
func (c *Client) send(ctx context.Context, settings *config.Snapshot, r Request, how transport) (status int, body []byte, _ *failure.Error) {
	op := string(r.Method)
	target := endpoint(settings.Bird, r.Method)

	ctx, cancel := context.WithTimeout(ctx, target.Timeout)
	defer cancel()

	request, fault := newRequest(ctx, settings, target, r, how)
	if fault != nil {
		return notSent, nil, fault
	}

	response, err := c.http.Do(request)
	if err != nil {
		return unknown, nil, unanswered(op, err)
	}
	defer response.Body.Close()

	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return unknown, nil, unanswered(op, err)
	case response.StatusCode < 200 || response.StatusCode > 299:
		return response.StatusCode, nil, refused(op, response, body, c.clock.Now())
	case len(body) > maxAnswerBytes:
		return response.StatusCode, nil, badResponse(op, fmt.Sprintf("the answer is larger than %d bytes", maxAnswerBytes))
	}

	return response.StatusCode, body, nil
}

func newRequest(ctx context.Context, settings *config.Snapshot, target config.Endpoint, r Request, how transport) (*http.Request, *failure.Error) {
	op := string(r.Method)

	content, err := encode(r, how)
	if err != nil {
		return nil, &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeBadRequest,
			Text:  "the message cannot be encoded",
		}
	}

	address, err := url.JoinPath(settings.Bird.BaseURL, target.Path)
	if err != nil {
		return nil, &failure.Error{
			Class: failure.Configuration,
			Op:    op,
			Code:  httpclient.CodeBadURL,
			Text:  "bird.baseURL is no URL",
		}
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, http.NoBody)
	if err != nil {
		return nil, &failure.Error{
			Class: failure.Configuration,
			Op:    op,
			Code:  httpclient.CodeBadURL,
			Text:  "bird.baseURL and the method's path make no URL",
		}
	}

	if request.Body, err = content.open(); err != nil {
		return nil, &failure.Error{
			Class: failure.Transient,
			Op:    op,
			Code:  CodeNoMedia,
			Text:  "the downloaded media cannot be read",
		}
	}

	request.GetBody = content.open
	request.ContentLength = content.size()

	key := settings.Secrets.BirdAccessKey
	switch settings.Bird.AuthScheme {
	case config.AuthBearer:
		request.Header.Set("Authorization", "Bearer "+key)
	case config.AuthAPIKey:
		request.Header.Set("X-API-Key", key)
	default:
		request.Header.Set("Authorization", "AccessKey "+key)
	}

	var id [16]byte
	rand.Read(id[:]) // crypto/rand never fails
	request.Header.Set("Content-Type", content.contentType)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "whatsapp-webhook-receiver")
	request.Header.Set("Idempotency-Key", r.idempotencyKey())
	request.Header.Set("X-Request-Id", hex.EncodeToString(id[:]))
	request.Header.Set("X-Attempt", strconv.Itoa(r.Attempt))
	tracing.Inject(ctx, request.Header)

	return request, nil
}
