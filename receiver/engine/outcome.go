// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// sideEventMaxAge is how long statuses and notices are retried while Bird or the sink does not accept them, however many
// attempts that takes. After that they expire and stay in the store.
const sideEventMaxAge = 24 * time.Hour

// postponed ends an attempt that must wait. Nothing failed.
type postponed struct {
	until  time.Time
	reason string
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
		step.Outcome = a.takenOver(step.Now)
	case err != nil:
		step.Outcome, f = e.resolve(ctx, a.head, a.scopes(), err)
	case a.fallbackCause != nil:
		f = a.fallbackCause
		step.Outcome = e.outcomeFor(ctx, a.head, a.scopes(), f)
	default:
		step.Outcome = &store.Outcome{State: a.successState}
	}

	if err != nil && f != nil && f.Class != failure.Ambiguous {
		step.Unsent = a.inFlight
	}

	if step.Outcome.State == store.Dead {
		a.markDead(&step, f)
	}

	return step
}

// resolveSideEvent returns the step that ends an attempt at a status or notice. These never become dead letters, since no
// person waits for them: after a permanent failure they expire, and the history has the reason.
func (e *Engine) resolveSideEvent(ctx context.Context, h head, step store.Step, err error) store.Step {
	step.Now = e.Clock.Now()

	if err == nil {
		step.Outcome = &store.Outcome{State: store.Done}
		return step
	}

	outcome, _ := e.resolve(ctx, h, nil, err)
	tooOld := outcome.Failure != nil && step.Now.Sub(h.work.Event.ReceivedAt) > sideEventMaxAge

	if outcome.State == store.Dead || tooOld {
		outcome.State = store.Expired
		outcome.RetryAt = time.Time{}
	}

	step.Outcome = outcome

	return step
}

// resolve returns the outcome of an attempt that ended in err, and the failure in err, nil if the attempt was postponed.
// limited are the scopes that the attempt's sends belong to.
func (e *Engine) resolve(
	ctx context.Context,
	h head,
	limited map[failure.Scope]string,
	err error,
) (*store.Outcome, *failure.Error) {
	if wait, ok := errors.AsType[*postponed](err); ok {
		return &store.Outcome{State: store.Pending, RetryAt: wait.until}, nil
	}

	f := failure.Of(err)
	if ctx.Err() != nil && f.Class != failure.Ambiguous {
		// The end of the process interrupted the attempt: no failure of the event.
		return &store.Outcome{State: store.Pending, RetryAt: e.Clock.Now()}, f
	}

	return e.outcomeFor(ctx, h, limited, f), f
}

// outcomeFor decides by the class of a failure whether the event is retried, and when, or dead-lettered. The reactions that
// avoid a failure come earlier: sendReplies tries a template, handleFailedStatus plans a resend.
func (e *Engine) outcomeFor(
	ctx context.Context,
	h head,
	limited map[failure.Scope]string,
	f *failure.Error,
) *store.Outcome {
	processing := h.settings.Processing
	now := e.Clock.Now()

	history := &store.Failure{
		At:    now,
		Class: string(f.Class),
		Code:  f.Code,
		Text:  f.Error(),
	}
	outcome := &store.Outcome{State: store.Pending, Failure: history}

	switch f.Class {
	case failure.Configuration:
		outcome.RetryAt = now.Add(max(f.RetryAfter, processing.ConfigurationRetry))
	case failure.RateLimited:
		until, err := e.pauseScope(ctx, limited, f)
		if err != nil {
			e.Log.Error("store the pause of a rate-limited scope", "error", err)
		}

		outcome.RetryAt = until
	case failure.Ambiguous:
		history.Spent = true
		outcome.RetryAt = now.Add(processing.AmbiguousWindow)
	case failure.Transient:
		history.Spent = true

		isMessage := h.work.Event.Class == store.Conversations // others are retried until they expire
		if isMessage && h.work.Attempts >= *processing.Retry.MaxRetries {
			outcome.State = store.Dead
			break
		}

		outcome.RetryAt = now.Add(retryDelay(h, f))
	default:
		history.Spent = true
		outcome.State = store.Dead
	}

	return outcome
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
func (a *attempt) markDead(step *store.Step, f *failure.Error) {
	if f.Class == failure.TemplateRequired {
		step.TemplateRequired = new(true)
		data := map[string]any{"code": f.Code}
		step.Emit = append(step.Emit, a.notice(notice.TemplateRequired, step.Now, data)...)
	}

	step.Emit = append(step.Emit, a.notice(notice.MessageDead, step.Now, map[string]any{
		"class": f.Class,
		"code":  f.Code,
		"error": f.Error(),
		"type":  a.work.Event.Type,
	})...)
}
