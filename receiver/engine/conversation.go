// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// attempt is one attempt at the head of a conversation.
type attempt struct {
	inbound
	message whatsapp.Message
	contact whatsapp.Contact
	texts   []string    // the texts that are answered together, if the message is one
	file    *media.File // the downloaded media; removed after the request to Bird

	// pendingStep collects the effects that are not recorded yet. The step that ends the attempt records them, unless an
	// earlier step does.
	pendingStep store.Step
	// inFlight is the part that is recorded as Sending while Meta has not answered.
	inFlight *int
	// successState is the state of the event when the attempt succeeds.
	successState store.State
	// fallbackCause is the failure that made the engine send the fallback text. It dead-letters the message even though
	// the fallback was sent.
	fallbackCause *failure.Error

	call   gate.Call    // the last call of the attempt
	permit *gate.Permit // of a call that has not ended
	place  *gate.Permit // of a message with a file
}

// processConversation is the process function of conversations.
func (e *Engine) processConversation(ctx context.Context, h head) (*store.Work, error) {
	a := &attempt{inbound: inbound{head: h}, successState: store.Done}
	defer func() { a.permit.Cancel() }()

	err := e.answerMessage(ctx, a)
	if isLeaseLost(ctx, err) {
		return nil, store.ErrLeaseLost
	}

	return e.finish(ctx, a.head, e.resolveAttempt(ctx, a, err))
}

// answerMessage does the remaining work for an event of a conversation: it asks the AI, unless its answer is recorded, and
// sends the parts that were not sent yet.
func (e *Engine) answerMessage(ctx context.Context, a *attempt) (err error) {
	event := &a.work.Event

	if err := a.checkStarts(); err != nil {
		return err
	}

	if err := a.decode(); err != nil {
		return err
	}

	ctx = tracing.Resume(ctx, a.item.Trace)

	ctx, span := e.Tracer.Start(ctx, "handle message", "event", event.ID.String(), "type", event.Type)
	defer func() { span.End(err) }()

	if event.Kind != store.KindMessage {
		a.pendingStep.Takeover = intake.TakeoverOf(*event, a.item, a.settings.Config)
		return nil
	}

	if err := a.checkTakeover(e.Clock.Now()); err != nil {
		return err
	}

	if len(a.work.Replies) == 0 {
		if err := e.askAI(ctx, a); err != nil {
			return err
		}
	}

	return e.sendReplies(ctx, a)
}

// decode decodes the stored event and its message.
func (a *attempt) decode() error {
	if err := a.inbound.decode(); err != nil {
		return err
	}

	if a.item.Kind != whatsapp.ItemMessage {
		return nil
	}

	message, err := whatsapp.ParseMessage(a.item.Raw)
	if err != nil {
		return unreadable(opProcess, "the message is not a JSON object")
	}

	a.message = message
	a.contact = whatsapp.ParseContact(a.item.Contact)

	return nil
}

// common returns the part of a request body that all messages have.
func (a *attempt) common() bird.Common {
	m := a.message
	c := a.contact

	body := a.origin(m.ID, m.Timestamp, cmp.Or(m.FromUserID, m.From))
	body.From = optional(m.From)
	body.ContactInfo = bird.Contact{
		WaID:     optional(cmp.Or(c.WaID, m.From)),
		Name:     optional(c.Name),
		UserID:   optional(cmp.Or(c.UserID, m.FromUserID)),
		Username: optional(c.Username),
	}
	body.Context = m.Context
	body.Referral = m.Referral

	return body
}
