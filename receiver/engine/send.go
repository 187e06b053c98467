// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const (
	opSend = "send message"
	// window is how long after a person's message free-form messages may be sent.
	//
	// Source: Meta, customer service windows.
	window = 24 * time.Hour
)

// send sends, in order, the replies that were not sent. Each is recorded as being sent before it is, so that after a
// crash it is known which one is in doubt. One in doubt waits for a status that proves it, and is sent again only when
// none has come: Meta has no idempotency key for sends.
func (e *Engine) send(ctx context.Context, t *task) error {
	for i := range t.work.Replies {
		reply := &t.work.Replies[i]
		if reply.State == store.Sent {
			continue
		}

		err := e.sendOne(ctx, t, reply)
		if errors.Is(err, store.ErrAlreadySent) {
			continue // a status proved it just now
		}

		if err != nil && failure.Of(err).Class == failure.TemplateRequired {
			return e.sendTemplate(ctx, t, reply, err)
		}

		if err != nil {
			return err
		}
	}

	return nil
}

func (e *Engine) sendOne(ctx context.Context, t *task, reply *store.Reply) error {
	if t.inFlight == nil {
		if err := e.allowed(t, reply); err != nil {
			return err
		}

		if err := e.begin(ctx, t, reply); err != nil {
			return err
		}
	}

	sending, span := e.Tracer.Start(ctx, opSend, "type", reply.Type)
	id, err := e.Graph.Send(sending, t.number(), reply.Body)
	span.End(err)
	e.noteSend(err)

	if err != nil && !e.proved(ctx, t, reply, err) {
		return err
	}

	e.Metrics.MessageSent(reply.Type)
	e.freed(ctx, t)

	t.inFlight = nil
	if err == nil {
		t.sent = &store.SentRef{Part: reply.Part, MessageID: id}
	}

	return nil
}

// proved tells whether a status has said that reply was sent while its send got no answer. Nothing would say so again.
func (e *Engine) proved(ctx context.Context, t *task, reply *store.Reply, err error) bool {
	if failure.Of(err).Class != failure.Ambiguous || ctx.Err() != nil {
		return false
	}

	record, err := e.Store.Get(ctx, t.work.Event.ID)
	if err != nil {
		e.Log.Error("look for the status of a send without an answer", logevent.EventID, t.work.Event.ID, "error", err)
		return false
	}

	return slices.ContainsFunc(record.Replies, func(r store.Reply) bool { return r.Part == reply.Part && r.State == store.Sent })
}

// allowed tells why reply may not be sent now: a scope that Meta limits, or the person's window.
func (e *Engine) allowed(t *task, reply *store.Reply) error {
	now := e.Clock.Now()
	if !e.pauses.none() {
		if until := e.pauses.until(t.scopes()); now.Before(until) {
			return &postponed{until: until, why: "waiting for the end of a rate limit"}
		}
	}
	// Meta's word that the window is closed counts for what it was said of; a message that came since opens it.
	open := now.Before(t.work.Conversation.LastInboundAt.Add(window)) || now.Before(t.work.Event.ReceivedAt.Add(window))

	refused := t.work.Conversation.TemplateRequired && reply.Resends > 0
	if reply.Type != "template" && (!open || refused) {
		return &failure.Error{
			Class: failure.TemplateRequired,
			Scope: failure.ScopePair,
			Op:    opSend,
			Code:  cloudapi.CodeOutsideWindow,
			Text:  "more than 24 hours since the person's last message: only a template may be sent",
		}
	}

	return nil
}

// begin records that reply is being sent, together with the one before it that was.
func (e *Engine) begin(ctx context.Context, t *task, reply *store.Reply) error {
	if reply.State == store.Sending {
		if settled := e.heardSince(reply).Add(t.settings.Processing.AmbiguousWindow); e.Clock.Now().Before(settled) {
			return &postponed{until: settled, why: "waiting for the status of a send whose outcome is not known"}
		}

		if t.work.Attempts > *t.settings.Processing.Retry.MaxRetries {
			return &failure.Error{
				Class: failure.Permanent,
				Op:    opSend,
				Code:  "in_doubt",
				Text:  "the last attempt ended without an answer and no status has come",
			}
		}
	}

	if err := e.waitTurn(ctx, t); err != nil {
		return err
	}

	if _, err := e.record(ctx, t, store.Step{
		Now:     e.Clock.Now(),
		Sent:    t.sent,
		Sending: &reply.Part,
	}); err != nil {
		return err
	}

	t.sent = nil
	t.inFlight = &reply.Part

	return nil
}

// heardSince is when a status of a send could have come first. While this receiver was away perhaps nobody took statuses,
// and Meta, which told them in vain, tells them again.
func (e *Engine) heardSince(reply *store.Reply) time.Time {
	if reply.StartedAt.Before(e.began) {
		return e.began
	}

	return reply.StartedAt
}

// sendTemplate sends the configured template in the place of reply and of those after it.
func (e *Engine) sendTemplate(ctx context.Context, t *task, reply *store.Reply, cause error) error {
	fallback := t.settings.Processing.FallbackTemplate
	if fallback.Name == "" || reply.Type == "template" {
		return cause
	}

	encoded, err := cloudapi.Encode(
		cloudapi.Reply{To: cloudapi.RecipientOf(t.message), Callback: whatsapp.Callback(t.work.Event.ID.String(), reply.Part)},
		cloudapi.TemplateContent{Name: fallback.Name, Language: fallback.Language},
	)
	if err != nil {
		return err
	}

	template := *reply
	template.Type = encoded.Type

	template.Body = encoded.Body
	if err := e.sendOne(ctx, t, &template); err != nil && !errors.Is(err, store.ErrAlreadySent) {
		return err
	}

	t.final.TemplateRequired = new(true)

	return nil
}
