// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cloudapi calls Meta's Graph API: it encodes and sends messages, looks up media, manages webhook subscriptions,
// and classifies Meta's error codes. It knows Meta's limits.
package cloudapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
	"golang.org/x/time/rate"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const maxThrottled = 4096 // phone numbers whose throughput is tracked

// Client calls the Graph API. It reads address, version and access token from the configuration at each call.
type Client struct {
	http  *httpclient.Client
	live  *config.Live
	clock clockwork.Clock

	mu        sync.Mutex
	throttles map[string]*rate.Limiter // by phone number id
}

// NewClient returns a client with a pool of up to connections idle connections.
func NewClient(live *config.Live, connections int, clock clockwork.Clock) *Client {
	return &Client{
		http: httpclient.New(httpclient.Options{
			Clock:       clock,
			Peer:        "Meta",
			Setting:     "cloudAPI.baseURL",
			Connections: connections,
		}),
		live:      live,
		clock:     clock,
		throttles: map[string]*rate.Limiter{},
	}
}

// Close closes the idle connections.
func (c *Client) Close() { c.http.Close() }

// Allow reports whether the throughput of phoneNumberID allows a send now, and consumes it if so.
func (c *Client) Allow(phoneNumberID string) bool {
	now := c.clock.Now()
	return c.throttle(phoneNumberID, now).AllowN(now, 1)
}

// Reserve consumes the next send of phoneNumberID's throughput and returns the wait until then. Reservations are granted
// in the order of the calls.
func (c *Client) Reserve(phoneNumberID string) time.Duration {
	now := c.clock.Now()
	return c.throttle(phoneNumberID, now).ReserveN(now, 1).DelayFrom(now)
}

// Send posts a message from phoneNumberID and returns the id that Meta gave it: Meta accepted the message, but has not
// delivered it yet. The caller consumes the throughput first. Errors are of type *failure.Error; Ambiguous means that the
// message may have been sent.
func (c *Client) Send(ctx context.Context, phoneNumberID string, body []byte) (string, error) {
	const op = "send message"

	response, fault := c.post(ctx, op, phoneNumberID, body)
	if fault != nil {
		return "", fault
	}

	var accepted struct {
		Messages []struct {
			ID whatsapp.Text `json:"id"`
		} `json:"messages"`
	}
	if json.Unmarshal(response, &accepted) != nil || len(accepted.Messages) == 0 || accepted.Messages[0].ID == "" {
		return "", &failure.Error{
			Class: failure.Ambiguous,
			Op:    op,
			Code:  CodeBadResponse,
			Text:  "Meta answered 200 without a message id",
		}
	}

	return string(accepted.Messages[0].ID), nil
}

// MarkRead shows the person that messageID was read and that an answer is being typed. Meta removes the typing indicator
// after 25 seconds or with the answer.
func (c *Client) MarkRead(ctx context.Context, phoneNumberID, messageID string) error {
	body, err := json.Marshal(map[string]any{
		"messaging_product": "whatsapp",
		"status":            "read",
		"message_id":        messageID,
		"typing_indicator":  map[string]string{"type": "text"},
	})
	if err != nil {
		return fmt.Errorf("encode read receipt: %w", err)
	}

	if _, fault := c.post(ctx, "mark read", phoneNumberID, body); fault != nil {
		return fault
	}

	return nil
}

// post posts body to the messages endpoint of the phone number.
func (c *Client) post(ctx context.Context, op, phoneNumberID string, body []byte) ([]byte, *failure.Error) {
	if !isID(phoneNumberID) {
		return nil, &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeBadPhoneNumberID,
			Text:  "the delivery has no valid phone number id to send from",
		}
	}

	return c.do(ctx, call{
		op:     op,
		method: http.MethodPost,
		path:   phoneNumberID + "/messages",
		body:   body,
	})
}

// throttle returns the limiter of a phone number. The table is bounded: clearing it allows each number one more burst.
func (c *Client) throttle(phoneNumberID string, now time.Time) *rate.Limiter {
	perSecond := c.live.Current().CloudAPI.MessagesPerSecond
	burst := max(1, perSecond/10) // Meta counts per second: a full second's worth at once could double the rate

	c.mu.Lock()
	defer c.mu.Unlock()

	limiter, ok := c.throttles[phoneNumberID]
	if !ok {
		if len(c.throttles) >= maxThrottled {
			clear(c.throttles)
		}

		limiter = rate.NewLimiter(rate.Limit(perSecond), burst)
		c.throttles[phoneNumberID] = limiter
	} else if int(limiter.Limit()) != perSecond {
		limiter.SetLimitAt(now, rate.Limit(perSecond))
		limiter.SetBurstAt(now, burst)
	}

	return limiter
}
