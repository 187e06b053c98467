// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// askAI asks the AI about the message and records its answer, so that a later attempt sends the answer without asking
// again.
//
// It does nothing while the answer cannot be sent: no request, no download, no typing indicator.
func (e *Engine) askAI(ctx context.Context, a *attempt) error {
	if closed := e.gate.Check(a.sendCall()); closed != nil {
		return &waiting{closed}
	}

	if err := e.coalesce(ctx, a); err != nil {
		return err
	}

	if a.reason != nil {
		return nil
	}

	if answered, err := e.wasAnswered(ctx, a); err != nil || answered {
		a.reason = answeredLater()
		return err
	}

	history, unread := e.history(ctx, a)
	if _, isFile := a.message.Media(); isFile && unread != nil { // before the download: it may have to wait for a key
		return unread
	}

	defer e.removeFile(a)

	request, err := e.request(ctx, a)
	if err != nil {
		return err
	}

	if request == nil {
		e.announceLostMedia(a)

		a.successState = store.Skipped

		return nil
	}

	if unread != nil {
		return unread
	}

	request.History = history

	given, err := e.ask(ctx, a, request)
	if err != nil {
		return e.planFallback(a, err)
	}

	if a.reason != nil {
		return nil
	}

	return e.answerWith(ctx, a, given)
}

// request returns the request about the message, or nil if no enabled method takes it.
func (e *Engine) request(ctx context.Context, a *attempt) (*assistant.Request, error) {
	handle, ok := handlers[string(a.message.Type)]
	if !ok {
		handle = handleOther
	}

	request, err := handle(ctx, e, a)
	if err != nil {
		return nil, err
	}

	if request != nil && request.Method.IsOptional() && !e.ai(a.head).Enabled(request.Method) {
		request = a.replacement(request)
	}

	if request == nil || !e.ai(a.head).Enabled(request.Method) {
		return nil, nil
	}

	if request.Method == assistant.ProcessOther && !e.ai(a.head).TakesOther(string(a.message.Type)) {
		return nil, nil
	}

	return request, nil
}

// ask returns the answer to a request. If the bridge lacks its method, the request for another method takes its place, or
// the event is skipped.
func (e *Engine) ask(ctx context.Context, a *attempt, request *assistant.Request) (answer.Answer, error) {
	given, err := e.callAI(ctx, a, request)
	if err == nil || failure.Of(err).Code != assistant.CodeNoMethod {
		return given, err
	}

	other := a.replacement(request)
	if other == nil || !e.ai(a.head).Enabled(other.Method) {
		e.announceLostMedia(a)
		a.skip(codeLacking, "the bridge does not have the method "+string(request.Method))

		return answer.Answer{}, nil
	}

	other.History = request.History

	return e.callAI(ctx, a, other)
}

// answerWith records the parts of an answer, and the handoff in it. If people took the conversation over while the AI was
// asked, a handoff is withheld like any other answer, and a later answer is not awaited.
func (e *Engine) answerWith(ctx context.Context, a *attempt, given answer.Answer) error {
	a.dropOriginal()
	a.settleOriginal(given)

	if given.Later {
		return e.answerLater(ctx, a)
	}

	isWithheld := e.applyHandoff(ctx, a, &given)

	replies, err := e.plan(a, a.formatted(given.Replies), a.outbound.Fallback)
	if err != nil {
		return e.planFallback(a, err)
	}

	if isWithheld { // people get the message, also if the answer is empty
		a.withholdAnswer(replies)

		return store.ErrTakenOver
	}

	return e.recordAnswer(ctx, a, replies)
}

// callAI sends the request while the typing indicator is shown.
func (e *Engine) callAI(ctx context.Context, a *attempt, request *assistant.Request) (answer.Answer, error) {
	if err := e.checkSettings(a.head); err != nil {
		return answer.Answer{}, err
	}

	if err := e.optional.check(request.Method, a.settings, e.Clock.Now()); err != nil {
		return answer.Answer{}, err
	}

	if a.permit == nil {
		if err := e.enterAI(a, request.Method); err != nil {
			return answer.Answer{}, err
		}
	}

	method := string(request.Method)
	request.Attempt = a.attemptNumber()
	request.Replays = a.work.Replays
	request.Text = cmp.Or(request.Text, a.plainText())

	isProbe := a.permit.IsProbe()

	asking, stop := context.WithCancel(ctx)
	defer stop()

	var typing sync.WaitGroup
	typing.Go(func() {
		defer e.containPanic(a.work.Event.ID)

		if !isProbe { // during an outage people would see "typing" at each probe
			e.showTyping(ctx, asking, a)
		}
	})

	startedAt := e.Clock.Now()
	callCtx, span := e.Tracer.Start(ctx, "ask AI", "method", method)
	given, err := e.ai(a.head).Ask(callCtx, *request)
	span.End(err)

	if err == nil {
		given, err = e.interpret(a, request.Method, given)
	}

	a.recordAsked(ctx, err)

	e.optional.record(request.Method, a.settings, err, e.Clock.Now())
	e.recordAnswerTime(method, startedAt, err)
	e.recordCall(method, err)
	e.endAttemptCall(ctx, a, err)
	stop()
	typing.Wait() // otherwise the indicator could appear after the answer
	e.recordUsage(given.Usage)

	return given, err
}

// notCalled are the failure codes of requests that were not sent to the AI.
var notCalled = []string{
	assistant.CodeNoAccessKey,
	assistant.CodeNoInstructions,
	assistant.CodeNoMedia,
	assistant.CodeBadRequest,
	httpclient.CodeBadCredential,
	httpclient.CodeBadURL,
	httpclient.CodeMetadata,
}

// recordAsked records that the AI may have processed a request of the attempt.
func (a *attempt) recordAsked(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		a.isAsked = true
		return
	}

	f := failure.Of(err)
	isLost := f.Class == failure.Transient || f.Class == failure.Ambiguous
	a.isAsked = a.isAsked || isLost && !slices.Contains(notCalled, f.Code)
}

// recordAnswerTime records the duration of a call to the AI. A call that was not sent has no duration.
func (e *Engine) recordAnswerTime(method string, startedAt time.Time, err error) {
	if err != nil && slices.Contains(notCalled, failure.Of(err).Code) {
		return
	}

	e.Metrics.AIAnswered(method, e.Clock.Since(startedAt))
}

// recordUsage records the tokens of an answer.
func (e *Engine) recordUsage(used answer.Usage) {
	e.Metrics.AIUsed(used.InputTokens, used.OutputTokens)

	if used.Truncated {
		e.Metrics.AITruncated()
	}
}

// recordAnswer records the parts to send. If the first may be sent at once, the same step records that its send starts.
func (e *Engine) recordAnswer(ctx context.Context, a *attempt, replies []store.Reply) error {
	if len(replies) == 0 {
		return nil
	}

	step := store.Step{
		Now:      e.Clock.Now(),
		Answer:   replies,
		Takeover: a.pendingStep.Takeover,
		Emit:     a.pendingStep.Emit,

		Transcript:       a.pendingStep.Transcript,
		AIConversationID: a.pendingStep.AIConversationID,
		ByDesk:           a.isByDesk(),
	}
	if checkWindow(a, &replies[0], step.Now) == nil && e.enter(a, a.sendCall()) == nil {
		step.Sending = &replies[0].Part
	}

	if _, err := e.record(ctx, a.head, step); err != nil {
		if errors.Is(err, store.ErrTakenOver) {
			a.withholdAnswer(replies)
		}

		return err
	}

	a.pendingStep.Takeover = nil
	a.pendingStep.Emit = nil
	a.pendingStep.Transcript = nil
	a.pendingStep.AIConversationID = nil
	a.work.Replies = replies
	a.inFlight = step.Sending

	return nil
}
