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

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// Client calls the Graph API. It reads address, version and access token from the configuration at each call.
type Client struct {
	http   *httpclient.Client
	live   *config.Live
	proven proven
}

// NewClient returns a client with a pool of up to connections idle connections.
func NewClient(live *config.Live, connections int, clock clockwork.Clock) *Client {
	return &Client{
		http: httpclient.New(httpclient.Options{
			Clock:       clock,
			Peer:        "Meta",
			Setting:     "cloudAPI.baseURL",
			Connections: connections,
			Authorities: func() string { return live.Current().Secrets.MetaCA },
		}),
		live: live,
	}
}

// Close closes the idle connections.
func (c *Client) Close() { c.http.Close() }

// Send posts a message from phoneNumberID and returns the id that Meta gave it: Meta accepted the message, but has not
// delivered it yet. Errors are of type *failure.Error; Ambiguous means that the
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
	return c.markRead(ctx, phoneNumberID, map[string]any{
		"messaging_product": "whatsapp",
		"status":            "read",
		"message_id":        messageID,
		"typing_indicator":  map[string]string{"type": "text"},
	})
}

// MarkGroupRead shows the participants of a group that messageID was read. Each message of a group has to be marked, and
// there is no typing indicator in groups.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/mark-message-as-read
func (c *Client) MarkGroupRead(ctx context.Context, phoneNumberID, messageID string) error {
	return c.markRead(ctx, phoneNumberID, map[string]any{
		"messaging_product": "whatsapp",
		"status":            "read",
		"message_id":        messageID,
	})
}

func (c *Client) markRead(ctx context.Context, phoneNumberID string, receipt map[string]any) error {
	body, err := json.Marshal(receipt)
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
		return nil, badPhoneNumberID(op)
	}

	return c.do(ctx, call{
		op:     op,
		method: http.MethodPost,
		path:   phoneNumberID + "/messages",
		body:   body,
	})
}

func badPhoneNumberID(op string) *failure.Error {
	return &failure.Error{
		Class: failure.Permanent,
		Op:    op,
		Code:  CodeBadPhoneNumberID,
		Text:  "the delivery has no valid phone number id to send from",
	}
}
