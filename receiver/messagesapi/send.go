// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"context"
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/takeover"
)

// Stored is the answer to a request whose message is stored.
type Stored struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

// send stores the messages of a request.
func (a *API) send(ctx context.Context, req *request) (*response, error) {
	m, err := parseMessage(req.body)
	if err != nil {
		return nil, err
	}

	if m.handler != "" && req.caller.role != outbound.Desk {
		return nil, deskOnly("only the key of a desk may set handler: an assistant hands off with handoff")
	}

	key, err := req.requiredKey()
	if err != nil {
		return nil, err
	}

	c, err := a.addressee(ctx, req, m)
	if err != nil {
		return nil, err
	}

	p := &post{
		id:           outbound.ID(c.number(), key),
		conversation: c,
		question:     c.asked,
		isFinal:      c.asked != nil && m.isFinal,
		answer:       m.answer,
		body:         req.body,
		digest:       digest(req),
		role:         req.caller.role,
		verbatim:     req.verbatim,
		change:       a.change(ctx, req, c, m.handler),
	}

	isRepeated, err := a.store(ctx, req, p)
	if err != nil {
		return nil, err
	}

	body := Stored{ID: p.id.String(), State: "stored"}
	if isRepeated {
		return &response{
			status: http.StatusOK,
			header: http.Header{"Idempotency-Replayed": {"true"}},
			body:   body,
		}, nil
	}

	return &response{status: http.StatusAccepted, body: body}, nil
}

// requiredKey returns the Idempotency-Key of a request that must have one.
func (req *request) requiredKey() (string, error) {
	key, err := req.idempotencyKey()
	if err == nil && key == "" {
		err = errNoIdempotencyKey
	}

	return key, err
}

// change returns the takeover that comes with a message, or nil. A message of a desk continues its takeover.
func (a *API) change(ctx context.Context, req *request, c *conversation, handler string) *takeover.Change {
	now := a.Clock.Now()
	current := c.state.Takeover

	if handler != "" {
		return handlerChange(req, handler, now)
	}

	if req.caller.role != outbound.Desk || !current.Active(now) {
		return nil
	}

	change := handlerChange(req, handlerHuman, now) // the person waits for no one any more
	change.Reason = a.takeovers.Reason(ctx, c.name, current)

	if change.Until.Before(current.Until) {
		change.Until = current.Until
	}

	return change
}

// addressee returns the conversation that a message goes to. If it is named in both ways, they have to agree.
func (a *API) addressee(ctx context.Context, req *request, m message) (*conversation, error) {
	if m.inReplyTo == nil {
		return a.byKey(ctx, req.settings, m.conversationKey)
	}

	c, err := a.byEvent(ctx, req.settings, *m.inReplyTo)
	if err != nil || m.conversationKey == "" {
		return c, err
	}

	if _, err := a.byKey(ctx, req.settings, m.conversationKey); err != nil {
		return nil, err
	}

	wanted, err := a.Store.Lane(ctx, m.conversationKey)
	if err != nil {
		return nil, err
	}

	actual, err := a.Store.Lane(ctx, c.name)
	if err != nil {
		return nil, err
	}

	if wanted != actual {
		return nil, badRequest("conversation_key is not the conversation of in_reply_to: give one of them")
	}

	return c, nil
}
