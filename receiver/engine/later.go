// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// classLater is the class of the reason in the history of a message that the AI answers later. It is not a failure.
	classLater = "later"
	codeLater  = "answered_later"
)

// interpret stores the AI's id of the conversation, and applies bird.emptyAnswer to an empty answer. An empty answer to an
// edit or a revocation always means that there is nothing to send.
func (e *Engine) interpret(a *attempt, method assistant.Method, given answer.Answer) (answer.Answer, error) {
	e.storeConversationID(a, given)

	if !given.Empty {
		return given, nil
	}

	e.Metrics.AIAnsweredNothing()

	if method == assistant.ProcessEdit || method == assistant.ProcessRevoke {
		return given, nil // the person does not wait for an answer to a change
	}

	switch a.settings.Bird.EmptyAnswer {
	case config.EmptyLater:
		given.Later = true
	case config.EmptyFail:
		return given, &failure.Error{
			Class: failure.Permanent,
			Op:    string(method),
			Code:  assistant.CodeBadResponse,
			Text:  "the answer is empty, which bird.emptyAnswer makes a failure",
		}
	}

	return given, nil
}

// answerLater ends the event, since the AI answers it by the messages API, and stores the answer deadline.
//
// If people took the conversation over while the AI was asked, its answer will be refused: the message is theirs.
func (e *Engine) answerLater(ctx context.Context, a *attempt) error {
	now := e.Clock.Now()

	if a.expectsAnswer() && e.isTakenOver(ctx, a, now) {
		return store.ErrTakenOver
	}

	a.reason = answeredLater()

	if !a.expectsAnswer() {
		return nil
	}

	if now.Sub(a.typingAt) > typingEnd-typingRenewal && a.showsTyping() && e.gate.Check(a.sendCall()) == nil {
		e.sendReceipt(ctx, a)
	}

	deadline, err := a.answerDeadline(now)
	if err != nil {
		return err
	}

	a.pendingStep.Emit = append(a.pendingStep.Emit, deadline)

	return nil
}

// answeredLater returns the reason of a message that ends without its own answer.
func answeredLater() *store.Failure {
	return &store.Failure{
		Class: classLater,
		Code:  codeLater,
		Text:  "the AI answers later, by the messages API",
	}
}

// expectsAnswer reports whether the person waits for an answer to the message.
func (a *attempt) expectsAnswer() bool { return a.answered() != "" && a.message.Type != "reaction" }

// answerDeadline returns the event that ends the time for a later answer.
func (a *attempt) answerDeadline(askedAt time.Time) (store.Event, error) {
	question := a.work.Event
	message := outbound.Message{
		Role:     outbound.Assistant,
		Question: question.ID.String(),
		Replays:  a.work.Replays,
		AskedAt:  askedAt,
		Item:     a.item,
	}

	event, err := message.Event(outbound.DeadlineID(question.ID, a.work.Replays), "", askedAt)
	if err != nil {
		return store.Event{}, err
	}

	event.Kind = store.KindAnswerDeadline
	event.Type = question.Type
	event.Class = store.Statuses
	event.Lane = intake.DeadlineLane(question.ID)

	return event, nil
}

// isAnsweredLater reports whether a message was left to a later answer.
func isAnsweredLater(r *store.Record) bool {
	return slices.ContainsFunc(r.Failures, func(f store.Failure) bool { return f.Code == codeLater })
}

// isAnswered reports whether the final answer to a question was posted to the messages API.
func (e *Engine) isAnswered(ctx context.Context, question store.ID, replays int) (bool, error) {
	_, err := e.storedState(ctx, outbound.AnsweredID(question, replays))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}

	if err != nil {
		return false, fmt.Errorf("look up whether a question was answered: %w", err)
	}

	return true, nil
}

// wasAnswered reports whether an earlier attempt reached the AI, which has posted its answer since. The answer waits in the
// lane behind the question.
func (e *Engine) wasAnswered(ctx context.Context, a *attempt) (bool, error) {
	if !mayBeAsked(a.work) { // failures of an outage spend no attempt
		return false, nil
	}

	return e.isAnswered(ctx, a.work.Event.ID, a.work.Replays)
}
