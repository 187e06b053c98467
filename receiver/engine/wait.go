// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// waitRecheck is the maximum time that an event waits for a scope. After it the event is retried. The limit matters only if
// no receiver observes that the scope opened.
const waitRecheck = 6 * time.Hour

// maxInlineWait is how long an attempt waits for throughput without giving its lane back. Longer waits would let the
// events of one busy phone number take all the capacity.
const maxInlineWait = 50 * time.Millisecond

// maxMethodRetries is the maximum number of configuration retries for an event whose method the AI refuses. Then the event
// becomes a dead letter, and the lane continues with its next event.
const maxMethodRetries = 20

// waiting ends an attempt because a scope is closed. Nothing was tried and nothing failed.
type waiting struct{ *gate.Closed }

// failure returns why the scope was closed, for the history of an event that waits no longer.
func (w *waiting) failure() *failure.Error {
	f := &failure.Error{
		Class: failure.Transient,
		Scope: w.Scope.Kind,
		Op:    opProcess,
		Code:  w.Code,
		Text:  w.Error(),
	}

	switch w.Reason {
	case gate.Refused:
		f.Class = failure.Configuration
	case gate.RateLimited, gate.Throughput:
		f.Class = failure.RateLimited
	case gate.Unavailable:
	}

	return f
}

// reasonOf returns the failure that an error means, or why its scope was closed.
func reasonOf(err error) *failure.Error {
	if isUnread(err) {
		return unreadFailure()
	}

	if wait, ok := errors.AsType[*waiting](err); ok {
		return wait.failure()
	}

	return failure.Of(err)
}

// sendCall returns a send in the conversation.
func (a *attempt) sendCall() gate.Call {
	call := gate.Send(a.item.WABAID, a.number(), a.lease.Lane, a.names...)
	call.Queued = a.queued || a.pendingStep.Sent != nil

	return call
}

// enter lets a call of the attempt through the gate, or returns the error that makes the event wait.
func (e *Engine) enter(a *attempt, call gate.Call) error {
	a.permit.Cancel()
	a.permit = nil
	a.call = call

	permit, closed := e.gate.Enter(call, a.work.Event.ID)
	if closed != nil {
		return &waiting{closed}
	}

	a.permit = permit

	return nil
}

// enterAI lets a request to a method of the AI through the gate.
func (e *Engine) enterAI(a *attempt, method assistant.Method) error {
	call := gate.Ask(string(e.ai(a.head).Address(method)))
	call.Queued = a.queued

	return e.enter(a, call)
}

// enterSend lets a send through the gate. It waits for a moment if the phone number's throughput is used up, unless a part
// that was sent is not recorded yet.
func (e *Engine) enterSend(ctx context.Context, a *attempt) error {
	for deadline := e.Clock.Now().Add(maxInlineWait); ; {
		err := e.enter(a, a.sendCall())

		wait, ok := errors.AsType[*waiting](err)
		if !ok || wait.Reason != gate.Throughput || wait.Until.After(deadline) || a.pendingStep.Sent != nil {
			return err
		}

		e.sleep(ctx, max(wait.Until.Sub(e.Clock.Now()), time.Millisecond), nil)

		if ctx.Err() != nil {
			return fmt.Errorf("wait for the phone number's throughput: %w", ctx.Err())
		}

		if e.Clock.Now().After(deadline) {
			return err
		}
	}
}

// endAttemptCall reports the result of the attempt's call to the gate.
func (e *Engine) endAttemptCall(ctx context.Context, a *attempt, err error) {
	permit := a.permit
	a.permit = nil
	e.endCall(ctx, permit, err)
}

// endCall reports the result of a call to the gate. A call that was not made, or that the end of the process interrupted,
// has no result.
func (e *Engine) endCall(ctx context.Context, permit *gate.Permit, err error) {
	if permit == nil {
		return
	}

	var f *failure.Error
	if err != nil {
		f = failure.Of(err)
	}

	if ctx.Err() != nil && (f == nil || f.Class != failure.Ambiguous) || f != nil && wasNotMade(f) {
		permit.Cancel()
		return
	}

	if err := permit.Done(ctx, f); err != nil {
		e.sampled.Error("sharing the state of a scope with the other receivers failed", "error", err)
	}
}

// wasNotMade reports whether a call failed before it reached the other side.
func wasNotMade(f *failure.Error) bool {
	return f.Code == assistant.CodeNoMedia || f.Code == assistant.CodeBadRequest
}

// waitFor returns the outcome of an attempt that waits for a closed scope. It logs the first wait of an event only.
func (e *Engine) waitFor(ctx context.Context, h head, closed *gate.Closed) *store.Outcome {
	now := e.Clock.Now()
	outcome := &store.Outcome{
		State:    store.Pending,
		WaitsFor: closed.Waits(),
		RetryAt:  now.Add(waitRecheck),
	}

	if outcome.WaitsFor == "" {
		outcome.RetryAt = closed.Until.Add(jitter(closed.Until.Sub(now)))
	} else {
		e.gate.Enqueue(closed)
	}

	if overdue := h.work.Event.ReceivedAt.Add(serviceWindow); closed.Scope.Kind == failure.ScopeFiles && overdue.After(now) {
		outcome.RetryAt = earlierNonZero(outcome.RetryAt, overdue)
	}

	if closed.Scope.Kind == failure.ScopeAIMethod && isMessage(h) {
		e.limitMethodWait(ctx, h, closed, outcome)
	}

	hasWaited := h.queued || now.Sub(h.work.Event.ReceivedAt) >= waitRecheck
	if !hasWaited && closed.Reason != gate.Throughput {
		e.Log.Info("event waits",
			logevent.EventID, h.work.Event.ID,
			"scope", closed.Scope.Kind,
			"reason", closed.Reason,
			"code", closed.Code)
	}

	return outcome
}

// limitMethodWait ends the wait for a method of the AI at its deadline. The history records the start of the wait, so the
// deadline survives a crash.
func (e *Engine) limitMethodWait(ctx context.Context, h head, closed *gate.Closed, outcome *store.Outcome) {
	deadline, isFirst := e.methodDeadline(ctx, h, closed.Scope.Name, closed.Code)
	outcome.RetryAt = deadline

	if isFirst {
		outcome.Failure = historyOf(&failure.Error{
			Class: failure.Configuration,
			Scope: failure.ScopeAIMethod,
			Op:    "ask AI",
			Code:  closed.Code,
			Text:  closed.Cause,
		}, e.Clock.Now(), false)
	}
}

// methodDeadline returns the deadline of an event's wait for a method of the AI that is refused with a code. method is the
// name of the method's scope. At the deadline the AI is asked once more, independently of its answers to other events.
// isFirst reports whether the wait starts now.
//
// While the AI may refuse all messages, the wait is not a failure of the event: the event waits within the service window.
func (e *Engine) methodDeadline(ctx context.Context, h head, method, code string) (deadline time.Time, isFirst bool) {
	now := e.Clock.Now()
	since := now
	isFirst = true

	if record, err := e.Store.Get(ctx, h.work.Event.ID); err == nil {
		for _, f := range record.Failures {
			if f.Class == string(failure.Configuration) && f.Code == code {
				since = f.At
				isFirst = false

				break
			}
		}
	}

	bound := maxMethodRetries * h.settings.Processing.ConfigurationRetry
	deadline = since.Add(bound)

	if !now.Before(deadline) && now.Sub(h.work.Event.ReceivedAt) < serviceWindow && e.gate.RefusesAll(method, since) {
		deadline = now.Add(bound)
	}

	return deadline, isFirst
}

// jitter returns up to a tenth of a wait, so that events that waited for the same time do not come back at once.
func jitter(wait time.Duration) time.Duration {
	return time.Duration(random() * float64(max(wait, 0)) / 10)
}
