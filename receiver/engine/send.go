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
	opSend        = "send message"
	serviceWindow = whatsapp.ServiceWindow
)

// sendReplies sends the parts that were not sent yet, in order. Each send is recorded before it starts, so that an
// unconfirmed send is recognized after a crash. Meta has no idempotency key for sends: an unconfirmed send waits for a
// status that confirms it, and is repeated only if none has come.
func (e *Engine) sendReplies(ctx context.Context, a *attempt) error {
	for i := range a.work.Replies {
		reply := &a.work.Replies[i]
		if reply.State == store.Sent {
			continue
		}

		if isFallbackTemplate(reply) { // an earlier attempt began with it
			return e.sendTemplate(ctx, a, reply)
		}

		err := e.sendReply(ctx, a, reply)
		if errors.Is(err, store.ErrAlreadySent) { // a status confirmed it meanwhile
			a.inFlight = nil // the next part is recorded before its own send
			a.pendingStep.Unsent = nil

			continue
		}

		if a.mayReplace(reply, err) {
			return e.sendTemplate(ctx, a, reply)
		}

		if err != nil {
			return err
		}
	}

	return nil
}

func (e *Engine) sendReply(ctx context.Context, a *attempt, reply *store.Reply) error {
	if err := e.checkSpent(ctx, a, reply); err != nil {
		return err
	}

	if a.inFlight == nil {
		if err := checkWindow(a, reply, e.Clock.Now()); err != nil {
			return err
		}
	}

	body, err := e.body(ctx, a, reply)
	if err != nil {
		return err
	}

	if a.inFlight == nil || isFallbackTemplate(reply) {
		if err := e.startSend(ctx, a, reply); err != nil {
			return err
		}
	}

	id, err := e.post(ctx, a, reply, body)

	for err != nil && ctx.Err() == nil {
		amend := e.amendment(a, body, failure.Of(err))
		if amend == nil {
			break
		}

		if body, id, err = e.sendAmended(ctx, a, reply, amend, err); body == nil {
			return err
		}
	}

	if err != nil && !e.isConfirmed(ctx, a, reply, err) {
		e.endAttemptCall(ctx, a, err)

		return a.recordResponder(err, e.Clock.Now())
	}

	e.endAttemptCall(ctx, a, nil)
	e.Metrics.MessageSent(reply.Type)

	a.inFlight = nil
	if err == nil {
		a.pendingStep.Sent = &store.SentRef{Part: reply.Part, MessageID: id}
	}

	return nil
}

// post makes the call that sends a part.
func (e *Engine) post(ctx context.Context, a *attempt, reply *store.Reply, body []byte) (id string, err error) {
	ctx, span := e.Tracer.Start(ctx, opSend, "type", reply.Type)
	defer func() { span.End(err) }()

	id, err = e.Graph.Send(ctx, a.number(), body)
	e.recordSend(err)

	return id, err
}

// body returns the body of the next send of reply. A part that is sent again has its own callback, so that a late
// status of an earlier send is not taken for one of this send. A file that Meta could not download is uploaded.
func (e *Engine) body(ctx context.Context, a *attempt, reply *store.Reply) ([]byte, error) {
	if reply.Resends == 0 {
		return reply.Body, nil
	}

	body, err := cloudapi.WithCallback(reply.Body, a.callback(reply))
	if err != nil || !cloudapi.WantsUpload(body) {
		return body, err
	}

	if err := e.checkRepeatable(a, reply); err != nil { // before the upload
		return nil, err
	}

	return e.uploadLinks(ctx, a, body)
}

// isConfirmed reports whether a status has confirmed the send of reply while the send got no answer. No later status would
// confirm it.
func (e *Engine) isConfirmed(ctx context.Context, a *attempt, reply *store.Reply, sendErr error) bool {
	if failure.Of(sendErr).Class != failure.Ambiguous || ctx.Err() != nil {
		return false
	}

	record, err := e.Store.Get(ctx, a.work.Event.ID)
	if err != nil {
		e.Log.Error("looking up the status of an unconfirmed send failed", logevent.EventID, a.work.Event.ID, "error", err)
		return false
	}

	return slices.ContainsFunc(record.Replies, func(r store.Reply) bool {
		return r.Part == reply.Part && r.State == store.Sent
	})
}

// checkWindow returns an error if reply may not be sent because the service window is closed.
func checkWindow(a *attempt, reply *store.Reply, now time.Time) error {
	lastInbound := a.work.Conversation.LastInboundAt
	if sent := a.sentAt(a.message.Timestamp); sent.After(lastInbound) && !a.isOutbound() {
		lastInbound = sent
	}

	closed := !now.Before(lastInbound.Add(serviceWindow))
	// Meta reported the window as closed for this very reply. A message that came since has opened it again.
	refused := a.work.Conversation.TemplateRequired && reply.Resends > 0

	if reply.Type != typeTemplate && (closed || refused) {
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

// startSend records that the send of reply starts, together with the part sent before it, and with what a fallback template
// replaces.
func (e *Engine) startSend(ctx context.Context, a *attempt, reply *store.Reply) error {
	if err := e.checkRepeatable(a, reply); err != nil {
		return err
	}

	if err := e.enterSend(ctx, a); err != nil {
		return err
	}

	step := store.Step{
		Now:     e.Clock.Now(),
		Sent:    a.pendingStep.Sent,
		Sending: &reply.Part,
		ByDesk:  a.isByDesk(),

		TemplateRequired: a.pendingStep.TemplateRequired,
	}
	if isFallbackTemplate(reply) {
		step.Replacement = reply
	}

	if _, err := e.record(ctx, a.head, step); err != nil {
		return err
	}

	a.pendingStep.Sent = nil
	a.pendingStep.Unsent = nil
	a.pendingStep.TemplateRequired = nil
	a.inFlight = &reply.Part

	return nil
}

// checkRepeatable returns an error if reply has an unconfirmed send that may not be repeated: a status may still come, or no
// attempt is left.
func (e *Engine) checkRepeatable(a *attempt, reply *store.Reply) error {
	if reply.State != store.Sending {
		return nil
	}

	until := e.statusPossibleSince(reply).Add(a.settings.Processing.AmbiguousWindow)
	if e.Clock.Now().Before(until) {
		return &postponed{until: until, reason: "waiting for the status of an unconfirmed send"}
	}

	now := e.Clock.Now()
	isOutage := !e.gate.AnsweredSince(a.sendCall(), reply.StartedAt) && now.Sub(a.work.Event.ReceivedAt) < serviceWindow

	if a.work.Attempts > *a.settings.Processing.Retry.MaxRetries && !isOutage {
		return &failure.Error{
			Class: failure.Permanent,
			Op:    opSend,
			Code:  codeUnconfirmed,
			Text:  "the last send got no answer and no status has come",
		}
	}

	return nil
}

// statusPossibleSince returns the time from which a status of this send could have reached us. This is the later one of the
// start of the send and the time since which we can be reached: Meta redelivers the statuses that it could not deliver
// before.
func (e *Engine) statusPossibleSince(reply *store.Reply) time.Time {
	return later(reply.StartedAt, e.reachableSince())
}
