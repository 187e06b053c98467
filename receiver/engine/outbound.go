// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// sendOutbound sends an outbound message as an answer is sent: planned and recorded before the first send, part by part.
func (e *Engine) sendOutbound(ctx context.Context, a *attempt) error {
	if err := a.checkTakeover(e.Clock.Now()); err != nil {
		return err
	}

	isLate, err := e.isLateFallback(ctx, a.outbound)
	if err != nil {
		return err
	}

	if isLate && !slices.ContainsFunc(a.work.Replies, isStarted) { // also if it waits to be sent
		a.skip(codeAnswered, "the answer came before the fallback text was sent")
		return nil
	}

	if len(a.work.Replies) > 0 {
		return e.sendReplies(ctx, a)
	}

	if reason := a.checkAnswerable(); reason != nil {
		return reason
	}

	given, err := answer.Parse(a.outbound.Body)
	if err != nil || given.Later {
		return &failure.Error{
			Class: failure.Permanent,
			Op:    opProcess,
			Code:  assistant.CodeBadResponse,
			Text:  "the posted message follows none of the forms of an answer",
		}
	}

	e.storeConversationID(a, given)

	if err := e.answerWith(ctx, a, given); err != nil {
		return err
	}

	return e.sendReplies(ctx, a)
}

// isStarted reports whether a part was sent or may have been.
func isStarted(reply store.Reply) bool { return reply.State != store.Planned }

// isLateFallback reports whether a message is a fallback text, and an answer was posted between the deadline and its send.
func (e *Engine) isLateFallback(ctx context.Context, message outbound.Message) (bool, error) {
	if !message.Fallback {
		return false, nil
	}

	question, err := store.ParseID(message.Question)
	if err != nil {
		return false, unreadable(opProcess, "the fallback text names no question")
	}

	return e.isAnswered(ctx, question, message.Replays)
}

// isReplacedFallback reports whether an event is the fallback text for a question that has its answer now.
func (e *Engine) isReplacedFallback(ctx context.Context, record *store.Record) (bool, error) {
	if record.Event.Kind != store.KindOutbound {
		return false, nil
	}

	message, err := outbound.Decode(record.Event.Payload)
	if err != nil {
		return false, unreadable(opProcess, "the stored message cannot be decoded")
	}

	return e.isLateFallback(ctx, message)
}

// isOutbound reports whether the event is an outbound message, not one of the person.
func (a *attempt) isOutbound() bool { return a.work.Event.Kind == store.KindOutbound }

// isByDesk reports whether people answer. Their messages are sent although they have the conversation.
func (a *attempt) isByDesk() bool { return isByDesk(a.work.Event) }

func isByDesk(event store.Event) bool {
	return event.Kind == store.KindOutbound && event.Type == string(outbound.Desk)
}

// mayFallBack reports whether the person waits for an answer, so that the fallback text may take its place.
func (a *attempt) mayFallBack() bool {
	return !a.isOutbound() || a.outbound.Question != "" && !a.outbound.Fallback && !a.isByDesk()
}

// recordAnswered counts a message whose later answer was sent. An answer in the response is counted when its event ends.
func (e *Engine) recordAnswered(a *attempt, outcome *store.Outcome) {
	if a.isOutbound() && a.outbound.Final && outcome.State == store.Done {
		e.Metrics.MessageProcessed(string(a.message.Type), e.Clock.Since(a.outbound.AskedAt))
	}
}
