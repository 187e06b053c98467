// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

const (
	maxAnswerBytes = 1 << 20
	// inProgressWait is the least wait when Bird still works on the same Idempotency-Key.
	inProgressWait = 30 * time.Second
)

// Client asks the AI. Address, scheme and access key are those in force at each call.
type Client struct {
	http *http.Client
	live *config.Live
}

// NewClient keeps up to connections idle connections. Redirects are not followed: the access key must not travel on.
func NewClient(live *config.Live, connections int) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = connections
	transport.MaxIdleConns = connections
	return &Client{
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		live: live,
	}
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Enabled tells whether the configuration has m switched on.
func (c *Client) Enabled(m Method) bool {
	enabled := endpoint(c.live.Now().Bird, m).Enabled
	return enabled == nil || *enabled
}

// Ask puts one question and returns what the person is to get. Errors are of type *failure.Error. A call may be
// repeated: the Idempotency-Key tells Bird that it is the same question.
func (c *Client) Ask(ctx context.Context, r Request) (Answer, error) {
	op := string(r.Method)
	settings := c.live.Now()
	if settings.Secrets.BirdAccessKey == "" {
		return Answer{}, &failure.Error{Class: failure.Configuration, Op: op, Code: "no_access_key", Text: "the Bird access key is missing: create its Secret"}
	}
	target := endpoint(settings.Bird, r.Method)
	ctx, cancel := context.WithTimeout(ctx, target.Timeout)
	defer cancel()
	request, err := c.request(ctx, settings, target, r)
	if err != nil {
		return Answer{}, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return Answer{}, unanswered(op, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes+1))
	if err != nil {
		return Answer{}, unanswered(op, err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return Answer{}, refused(op, response, body)
	}
	if len(body) > maxAnswerBytes {
		return Answer{}, badResponse(op, fmt.Sprintf("the answer is larger than %d bytes", maxAnswerBytes))
	}
	return parseAnswer(op, body)
}

func (c *Client) request(ctx context.Context, settings *config.Snapshot, target config.Endpoint, r Request) (*http.Request, error) {
	body, err := json.Marshal(r.Body)
	if err != nil {
		return nil, &failure.Error{Class: failure.Permanent, Op: string(r.Method), Code: "bad_request", Text: "the message cannot be encoded"}
	}
	address, err := url.JoinPath(settings.Bird.BaseURL, target.Path)
	if err != nil {
		return nil, &failure.Error{Class: failure.Configuration, Op: string(r.Method), Code: "bad_url", Text: "bird.baseURL is no URL"}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, &failure.Error{Class: failure.Configuration, Op: string(r.Method), Code: "bad_url", Text: "bird.baseURL and the method's path make no URL"}
	}
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
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "whatsapp-webhook-receiver")
	request.Header.Set("Idempotency-Key", idempotencyKey(r.Method, r.Body.common()))
	request.Header.Set("X-Request-Id", hex.EncodeToString(id[:]))
	request.Header.Set("X-Attempt", strconv.Itoa(r.Attempt))
	return request, nil
}

// unanswered classifies a call that got no whole answer. The cause is not repeated: its text names addresses.
func unanswered(op string, cause error) error {
	e := &failure.Error{Class: failure.Transient, Op: op, Code: "no_connection", Text: "the connection to Bird failed"}
	if errors.Is(cause, context.DeadlineExceeded) {
		e.Code, e.Text = "timeout", "Bird did not answer in time"
	}
	return e
}

// refused classifies an answer other than 2xx, by the contract's table of failures.
func refused(op string, response *http.Response, body []byte) error {
	status := response.StatusCode
	e := &failure.Error{
		Op: op, Code: "http_" + strconv.Itoa(status), Class: failure.Permanent, Text: "Bird refuses the message",
		RetryAfter: failure.ParseRetryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.Class, e.Text = failure.Transient, "Bird is unavailable"
	case http.StatusUnauthorized:
		e.Class, e.Text = failure.Configuration, "Bird refuses the access key: set a new one"
	case http.StatusPaymentRequired:
		e.Class, e.Text = failure.Configuration, "Bird asks for payment: check the workspace's plan"
	case http.StatusForbidden:
		e.Class, e.Text = failure.Configuration, "Bird denies access: check the access key's rights"
	case http.StatusNotFound:
		e.Class, e.Text = failure.Configuration, "Bird knows no such address: check bird.baseURL and the method's path"
	case http.StatusConflict:
		if inProgress(body) {
			e.Class, e.Text = failure.Transient, "Bird still works on this message"
			e.RetryAfter = max(e.RetryAfter, inProgressWait)
		}
	default:
		if status >= 300 && status <= 399 {
			e.Text = "Bird redirects, which is not followed: set bird.baseURL to the final address"
		}
	}
	return e
}

// inProgress tells whether a 409 says that the same Idempotency-Key is being worked on.
func inProgress(body []byte) bool {
	return bytes.Contains(body, []byte("E01004")) || bytes.Contains(bytes.ToLower(body), []byte("in progress"))
}

func badResponse(op, text string) error {
	return &failure.Error{Class: failure.Permanent, Op: op, Code: "bad_response", Text: text}
}
