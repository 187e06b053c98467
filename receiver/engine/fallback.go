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

// fellBack ends an attempt whose answer cannot be used. The step that ends it records the fallback text as the answer, and the
// cause in the history. A later attempt sends the text, however long that has to wait, and ends the message as a dead letter.
type fellBack struct{ cause *failure.Error }

func (f *fellBack) Error() string { return f.cause.Error() }

// fallBack plans the configured fallback text if the failure has one of the codes, or else returns the failure.
func (e *Engine) fallBack(a *attempt, cause error) error {
	f := failure.Of(cause)

	text := a.settings.Processing.FallbackText
	if text == "" || !a.mayFallBack() || !slices.Contains(fallbackCodes, f.Code) {
		return cause
	}

	replies, err := e.plan(a, []answer.Reply{{Kind: answer.KindText, Text: text}})
	if err != nil || len(replies) == 0 {
		return cause
	}

	for i := range replies {
		replies[i].Fallback = true // a replay asks again
	}

	a.pendingStep.Answer = replies

	return &fellBack{f}
}

// isFallback reports whether the parts of the event are the fallback text in the place of an answer that cannot be used. After
// an answer deadline the text is an event of its own, which has not failed.
func (a *attempt) isFallback() bool {
	isText := func(r store.Reply) bool { return r.Fallback && !isFallbackTemplate(&r) }

	return !a.outbound.Fallback && len(a.work.Replies) > 0 &&
		!slices.ContainsFunc(a.work.Replies, func(r store.Reply) bool { return !isText(r) })
}

// fallbackOutcome returns the outcome of an event whose fallback text was sent: a dead letter with the cause that its history
// has. An event of an earlier release may lack one.
func (e *Engine) fallbackOutcome(ctx context.Context, a *attempt) *store.Outcome {
	cause := store.Failure{
		Class: string(failure.Permanent),
		Code:  assistant.CodeBadResponse,
		Text:  "the answer could not be used, and the fallback text was sent instead",
	}

	record, err := e.Store.Get(ctx, a.work.Event.ID)
	if err != nil {
		e.Log.Error("reading why a fallback text was sent failed", logevent.EventID, a.work.Event.ID, "error", err)

		record = &store.Record{}
	}

	for _, f := range slices.Backward(record.Failures) {
		if f.Class == cause.Class && slices.Contains(fallbackCodes, f.Code) {
			cause = f
			break
		}
	}

	cause.At = e.Clock.Now()
	cause.Spent = true

	return &store.Outcome{State: store.Dead, Failure: &cause}
}
