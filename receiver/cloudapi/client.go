// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cloudapi calls the Graph API: it encodes messages, sends them, looks media up, keeps subscriptions, and knows what
// an error code of Meta means.
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

// Client calls the Graph API. Address, version and access token are those in force at each call.
type Client struct {
	http  *http.Client
	live  *config.Live
	clock clockwork.Clock

	mu        sync.Mutex
	throttles map[string]*rate.Limiter // by phone number id
}

// NewClient keeps up to connections idle connections. Redirects are not followed: the token must not travel on.
func NewClient(live *config.Live, connections int, clock clockwork.Clock) *Client {
	return &Client{
		http:      httpclient.New(connections),
		live:      live,
		clock:     clock,
		throttles: map[string]*rate.Limiter{},
	}
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Allow tells whether phoneNumberID's throughput allows a send at once, and if so takes it.
func (c *Client) Allow(phoneNumberID string) bool { return c.throttle(phoneNumberID).Allow() }

// Reserve takes the next turn of phoneNumberID's throughput, and returns how long it is until then. Turns come in the
// order in which they were taken.
func (c *Client) Reserve(phoneNumberID string) time.Duration {
	return c.throttle(phoneNumberID).Reserve().Delay()
}

// Send posts a message from phoneNumberID, whose turn was taken, and returns the id that Meta gave it, which says that
// Meta accepted it, not that it was delivered. Errors are of type *failure.Error; Ambiguous means that the message may
// have been sent.
func (c *Client) Send(ctx context.Context, phoneNumberID string, body []byte) (string, error) {
	const op = "send message"

	answer, err := c.post(ctx, op, phoneNumberID, body)
	if err != nil {
		return "", err
	}

	var accepted struct {
		Messages []struct {
			ID whatsapp.Text `json:"id"`
		} `json:"messages"`
	}
	if json.Unmarshal(answer, &accepted) != nil || len(accepted.Messages) == 0 || accepted.Messages[0].ID == "" {
		return "", &failure.Error{
			Class: failure.Ambiguous,
			Op:    op,
			Code:  CodeBadResponse,
			Text:  "Meta answered 200 without a message id",
		}
	}

	return string(accepted.Messages[0].ID), nil
}

// MarkRead shows the person that messageID was read, and that an answer is being typed. Meta takes the typing indicator
// away after 25 seconds or with the answer.
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

	_, err = c.post(ctx, "mark read", phoneNumberID, body)

	return err
}

// post puts body to the phone number's messages.
func (c *Client) post(ctx context.Context, op, phoneNumberID string, body []byte) ([]byte, error) {
	if !isID(phoneNumberID) {
		return nil, &failure.Error{
			Class: failure.Permanent,
			Op:    op,
			Code:  CodeBadPhoneNumberID,
			Text:  "the delivery names no phone number id that can be sent from",
		}
	}

	return c.do(ctx, call{
		op:     op,
		method: http.MethodPost,
		path:   phoneNumberID + "/messages",
		body:   body,
	})
}

// throttle returns the limiter of a phone number. The table is bounded; starting it anew only allows one burst more.
func (c *Client) throttle(phoneNumberID string) *rate.Limiter {
	perSecond := c.live.Current().CloudAPI.MessagesPerSecond
	burst := max(1, perSecond/10) // Meta counts by the second, so a whole second's worth at once would be twice too much

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
		limiter.SetLimit(rate.Limit(perSecond))
		limiter.SetBurst(burst)
	}

	return limiter
}
