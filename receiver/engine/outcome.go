// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// sideEventMaxAge is the time for which statuses and notices are retried while the AI or the sink refuses them. There is no
// limit of attempts. Older events expire and stay in the store.
const sideEventMaxAge = 24 * time.Hour

// postponed ends an attempt that must wait. Nothing failed.
type postponed struct {
	until  time.Time
	reason string
	// collects reports whether the event waits for others that belong to the question. Until then no attempt asks.
	collects bool
}

func (p *postponed) Error() string { return p.reason }

// isLeaseLost reports whether an attempt ended because another receiver took over its lane.
func isLeaseLost(ctx context.Context, err error) bool {
	return errors.Is(err, store.ErrLeaseLost) || errors.Is(context.Cause(ctx), store.ErrLeaseLost)
}

// resolveAttempt returns the step that ends an attempt at a conversation's head, given the error that the attempt
// returned.
func (e *Engine) resolveAttempt(ctx context.Context, a *attempt, err error) store.Step {
	step := a.pendingStep
	step.Now = e.Clock.Now()

	var f *failure.Error
	switch {
	case errors.Is(err, store.ErrTakenOver):
		step.Outcome = e.takenOverOutcome(ctx, a, step.Now)
		step.Unsent = a.inFlight
	case err != nil:
		step.Outcome, f = e.resolve(ctx, a.head, a.call, err)
	default:
		step.Outcome = e.fallbackOutcome(ctx, a)
	}

	if step.Outcome == nil {
		step.Outcome = &store.Outcome{State: a.successState, Failure: a.reason}
	}

	if a.reason != nil {
		a.reason.At = step.Now
	}

	if state := step.Outcome.State; state == store.Pending || state == store.Human {
		step.Settled = step.Settled || a.settles(err)
	}

	if err != nil && f != nil && f.Class != failure.Ambiguous {
		step.Unsent = a.inFlight
	}

	if step.Outcome.State == store.Dead {
		a.markDead(&step)
	}

	if step.Outcome.State == store.Human && !a.isOutbound() {
		step.Emit = append(step.Emit, e.forPeople(ctx, a)...)
	}

	step.Emit = append(step.Emit, a.threadPass(step.Outcome)...)

	return step
}

// resolveSideEvent returns the step that ends an attempt at a status or notice. These events never become dead letters: no
// person waits for them. After a permanent failure they expire, and the history records the reason.
func (e *Engine) resolveSideEvent(
	ctx context.Context,
	h head,
	call gate.Call,
	step store.Step,
	err error,
) store.Step {
	step.Now = e.Clock.Now()

	if err == nil {
		step.Outcome = &store.Outcome{State: store.Done}
		return step
	}

	outcome, _ := e.resolve(ctx, h, call, err)

	if outcome.State == store.Dead || e.isOverdue(h, err) {
		if outcome.Failure == nil {
			outcome.Failure = historyOf(reasonOf(err), step.Now, false)
		}

		outcome.State = store.Expired
		outcome.RetryAt = time.Time{}
		outcome.WaitsFor = ""
	}

	step.Outcome = outcome

	return step
}

// resolve returns the outcome of an attempt that ended with err, and the failure in err. The failure is nil if the attempt
// continues later. call is the last call of the attempt.
func (e *Engine) resolve(ctx context.Context, h head, call gate.Call, err error) (*store.Outcome, *failure.Error) {
	if wait, ok := errors.AsType[*postponed](err); ok {
		return &store.Outcome{State: store.Pending, RetryAt: wait.until}, nil
	}

	if wait, ok := errors.AsType[*waiting](err); ok {
		return e.waitFor(ctx, h, wait.Closed), nil
	}

	if errors.Is(err, store.ErrKey) {
		return e.resolveKey(h, err)
	}

	if fallback, ok := errors.AsType[*fallbackError](err); ok {
		now := e.Clock.Now()
		outcome := &store.Outcome{
			State:   store.Pending,
			RetryAt: now,
			Failure: historyOf(fallback.cause, now, false), // the send of the text decides
		}

		return outcome, nil
	}

	if unread, ok := errors.AsType[*unreadError](err); ok && ctx.Err() == nil {
		return e.resolveUnread(ctx, h, unread)
	}

	f := failure.Of(err)
	if ctx.Err() != nil && f.Class != failure.Ambiguous {
		// The end of the process interrupted the attempt: no failure of the event.
		return &store.Outcome{State: store.Pending, RetryAt: e.Clock.Now()}, f
	}

	return e.outcomeFor(ctx, h, call, f), f
}

// outcomeFor decides by the class of a failure whether the event is retried, and when, or dead-lettered. The reactions that
// avoid a failure come earlier: sendReplies tries a template, handleFailedStatus plans a resend.
func (e *Engine) outcomeFor(ctx context.Context, h head, call gate.Call, f *failure.Error) *store.Outcome {
	outcome := &store.Outcome{State: store.Pending}

	spent := false
	closed := e.gate.WaitAfter(call, h.callID(), f)

	switch f.Class {
	case failure.Configuration, failure.RateLimited:
		outcome = e.outcomeOfRefusal(ctx, h, call, f, closed)
	case failure.Ambiguous:
		spent = true
		outcome.RetryAt = e.Clock.Now().Add(h.settings.Processing.AmbiguousWindow)
	case failure.Transient:
		if closed != nil && !isFileOverdue(h, closed, e.Clock.Now()) { // an outage: no failure of the event
			outcome = e.waitFor(ctx, h, closed)
			break
		}

		spent = e.retryTransient(ctx, h, call, f, outcome)
	default:
		spent = true
		outcome.State = store.Dead
	}

	outcome.Failure = historyOf(f, e.Clock.Now(), spent)

	return outcome
}

func historyOf(f *failure.Error, at time.Time, spent bool) *store.Failure {
	return &store.Failure{
		At:    at,
		Class: string(f.Class),
		Code:  f.Code,
		Text:  f.Error(),
		Spent: spent,
	}
}

// isMessage reports whether the event is of a conversation, so that a person waits for it.
func isMessage(h head) bool { return h.work.Event.Class == store.Conversations }

// outcomeOfRefusal returns the outcome after a refused credential or a rate limit, which spend no attempt.
func (e *Engine) outcomeOfRefusal(
	ctx context.Context,
	h head,
	call gate.Call,
	f *failure.Error,
	closed *gate.Closed,
) *store.Outcome {
	now := e.Clock.Now()

	if f.Scope == failure.ScopeAIMethod && isMessage(h) {
		if deadline, _ := e.methodDeadline(ctx, h, call.Method(), f.Code); !now.Before(deadline) {
			return &store.Outcome{State: store.Dead}
		}
	}

	if closed != nil {
		return e.waitFor(ctx, h, closed)
	}

	wait := max(f.RetryAfter, h.settings.Processing.ConfigurationRetry)
	if f.Class == failure.RateLimited {
		wait = max(f.RetryAfter, f.Pause, h.settings.Processing.Retry.MaxDelay)
	}

	return &store.Outcome{State: store.Pending, RetryAt: now.Add(wait + jitter(wait))}
}

// retryTransient sets the retry time after a transient failure, and reports whether the failure spends an attempt. After the
// last attempt the event becomes a dead letter if the peer has answered other events since. Otherwise the failure is an
// outage: the event waits within the service window. Statuses and notices are retried until they expire.
func (e *Engine) retryTransient(
	ctx context.Context,
	h head,
	call gate.Call,
	f *failure.Error,
	outcome *store.Outcome,
) (spent bool) {
	now := e.Clock.Now()

	switch {
	case !isMessage(h) || h.work.Attempts < *h.settings.Processing.Retry.MaxRetries:
		outcome.RetryAt = now.Add(retryDelay(h, f))
		return true
	case len(call.Scopes) > 0 && now.Sub(h.work.Event.ReceivedAt) < serviceWindow && !e.isEventFailure(ctx, h, call):
		wait := max(f.RetryAfter, h.settings.CircuitBreaker().OpenDuration)
		outcome.RetryAt = now.Add(wait + jitter(wait))

		return false
	default:
		outcome.State = store.Dead
		return true
	}
}

// isEventFailure reports whether the target of a call has answered since the event's previous failure.
func (e *Engine) isEventFailure(ctx context.Context, h head, call gate.Call) bool {
	record, err := e.Store.Get(ctx, h.work.Event.ID)
	if err != nil || len(record.Failures) == 0 {
		return false
	}

	return e.gate.AnsweredSince(call, record.Failures[len(record.Failures)-1].At)
}

// retryDelay returns the wait after a transient failure.
func retryDelay(h head, f *failure.Error) time.Duration {
	if f.RetryAfter > 0 {
		return f.RetryAfter
	}

	retry := h.settings.Processing.Retry

	return failure.Backoff(h.work.Attempts, retry.BaseDelay, retry.MaxDelay, random())
}

// markDead adds the effects of a dead letter: a notice, and the conversation's mark if only a template could have helped.
func (a *attempt) markDead(step *store.Step) {
	f := step.Outcome.Failure

	if f.Class == string(failure.TemplateRequired) {
		step.TemplateRequired = new(true)
		data := map[string]any{"code": f.Code}
		step.Emit = append(step.Emit, a.notice(notice.TemplateRequired, step.Now, data)...)
	}

	step.Emit = append(step.Emit, a.notice(notice.MessageDead, step.Now, map[string]any{
		"class": f.Class,
		"code":  f.Code,
		"error": f.Text,
		"type":  a.work.Event.Type,
	})...)
}
