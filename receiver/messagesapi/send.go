// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"context"
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
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

	key, err := req.idempotencyKey()
	if err != nil {
		return nil, err
	}

	if key == "" {
		return nil, errNoIdempotencyKey
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
	}

	now := a.Clock.Now()

	switch current := c.state.Takeover; {
	case m.handler != "":
		p.change = handlerChange(req, m.handler, now)
	case req.caller.role == outbound.Desk && current.Active(now): // the person waits for no one any more
		p.change = handlerChange(req, handlerHuman, now)
		p.change.Reason = a.takeovers.Reason(ctx, c.name, current)

		if p.change.Until.Before(current.Until) {
			p.change.Until = current.Until
		}
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
