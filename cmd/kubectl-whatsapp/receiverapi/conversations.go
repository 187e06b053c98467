// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiverapi

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// Conversations returns a page of the conversations in a state: all, taken_over or waiting. It begins after the Next of an
// earlier page.
func (c *Client) Conversations(ctx context.Context, state, after string, limit int) (consoleapi.ConversationPage, error) {
	query := url.Values{
		"state": {state},
		"limit": {strconv.Itoa(limit)},
	}
	if after != "" {
		query.Set("after", after)
	}

	return get[consoleapi.ConversationPage](ctx, c, "/conversations", query)
}

// Conversation returns a conversation by its id or name.
func (c *Client) Conversation(ctx context.Context, id string) (consoleapi.Conversation, error) {
	return get[consoleapi.Conversation](ctx, c, conversationPath(id, ""), nil)
}

// Messages returns the newest messages of a conversation, the newest first.
func (c *Client) Messages(ctx context.Context, id string, limit int) (consoleapi.MessagePage, error) {
	return get[consoleapi.MessagePage](ctx, c, conversationPath(id, "/messages"), url.Values{"limit": {strconv.Itoa(limit)}})
}

// TakeOver gives a conversation to people for a time; 0 is as long as the receiver is configured for.
func (c *Client) TakeOver(ctx context.Context, id string, duration time.Duration) (consoleapi.Conversation, error) {
	query := url.Values{}
	if duration > 0 {
		query.Set("for", duration.String())
	}

	return call[consoleapi.Conversation](ctx, c, http.MethodPost, conversationPath(id, "/take-over"), query)
}

// GiveBack gives a conversation to the AI.
func (c *Client) GiveBack(ctx context.Context, id string) (consoleapi.Conversation, error) {
	return call[consoleapi.Conversation](ctx, c, http.MethodPost, conversationPath(id, "/give-back"), nil)
}

// Erase erases everything that is stored of the person of a conversation.
func (c *Client) Erase(ctx context.Context, id string) (erased consoleapi.Erased, err error) {
	err = c.callFor(ctx, consoleapi.PersonTimeout+callTimeout, http.MethodDelete, conversationPath(id, ""), nil, &erased)

	if isInterrupted(ctx, err) {
		return erased, output.Failed("Erase once more to see what is left.",
			"interrupted, but the receiver may have begun to erase, and then erases all")
	}

	return erased, err
}

// Export returns everything that is stored of the person of a conversation, as a JSON document. The caller closes it.
func (c *Client) Export(ctx context.Context, id string) (io.ReadCloser, error) {
	response, err := c.send(ctx, http.MethodGet, conversationPath(id, "/export"), nil)
	if err != nil {
		return nil, err
	}

	return response.Body, nil
}

func conversationPath(id, rest string) string { return "/conversations/" + url.PathEscape(id) + rest }
