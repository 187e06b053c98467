// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// fallbackCodes are the codes of failures for which the fallback text is sent: answers that cannot be used, and questions that
// a model cannot answer. The person can ask otherwise.
var fallbackCodes = []string{assistant.CodeBadResponse, assistant.CodeTooLong, cloudapi.CodeBadContent}

// fallbackError ends an attempt whose answer cannot be used. The step that ends it records the fallback text as the answer, and the
// cause in the history. A later attempt sends the text, however long that has to wait, and ends the message as a dead letter.
type fallbackError struct{ cause *failure.Error }

func (f *fallbackError) Error() string { return f.cause.Error() }

// planFallback plans the configured fallback text if the failure has one of the codes, or else returns the failure.
func (e *Engine) planFallback(a *attempt, cause error) error {
	f := failure.Of(cause)

	text := a.settings.Processing.FallbackText
	if text == "" || !a.mayFallBack() || !slices.Contains(fallbackCodes, f.Code) {
		return cause
	}

	replies, err := e.plan(a, []answer.Reply{{Kind: answer.KindText, Text: text}}, true) // a replay asks again
	if err != nil || len(replies) == 0 {
		return cause
	}

	a.pendingStep.Answer = replies

	return &fallbackError{f}
}

// fallbackOutcome returns the outcome of an event whose fallback text replaced an unusable answer: a dead letter with the
// cause from its history. It returns nil for all other events, including the fallback text after an answer deadline.
func (e *Engine) fallbackOutcome(ctx context.Context, a *attempt) *store.Outcome {
	isAnswer := func(r store.Reply) bool { return !r.Fallback }
	isText := func(r store.Reply) bool { return !isFallbackTemplate(&r) }

	if a.outbound.Fallback || len(a.work.Replies) == 0 || slices.ContainsFunc(a.work.Replies, isAnswer) {
		return nil
	}

	record, err := e.Store.Get(ctx, a.work.Event.ID)
	if err != nil {
		e.Log.Error("reading why a fallback text was sent failed", logevent.EventID, a.work.Event.ID, "error", err)

		record = &store.Record{}
	}

	cause := fallbackCause(record)
	if cause == nil && !slices.ContainsFunc(a.work.Replies, isText) {
		return nil // the template is in the place of an answer
	}

	if cause == nil { // as of an event of an earlier release
		cause = &store.Failure{
			Class: string(failure.Permanent),
			Code:  assistant.CodeBadResponse,
			Text:  "the answer could not be used, and the fallback text was sent instead",
		}
	}

	cause.At = e.Clock.Now()
	cause.Spent = true

	return &store.Outcome{State: store.Dead, Failure: cause}
}

// fallbackCause returns the failure that caused the fallback text since the last replay, or nil. Attempts are counted from
// that replay, so additional failures belong to earlier runs. So do failures before the
// entry with which EndRestored ended the event in a restored copy (store.CodeRestored).
func fallbackCause(record *store.Record) *store.Failure {
	spent := 0

	for _, f := range slices.Backward(record.Failures) {
		if f.Spent {
			spent++
		}

		if spent > record.Attempts || f.Code == store.CodeRestored {
			return nil
		}

		if !f.Spent && f.Class == string(failure.Permanent) && slices.Contains(fallbackCodes, f.Code) {
			return &f
		}
	}

	return nil
}
