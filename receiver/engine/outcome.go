// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// patienceBeside is how long statuses and notices are kept for a Bird or a sink that does not take them. What is given up
// then stays in the store.
const patienceBeside = 24 * time.Hour

// postponed ends an attempt that could not go on yet. Nothing failed.
type postponed struct {
	until time.Time
	why   string
}

func (p *postponed) Error() string { return p.why }

// settle decides what becomes of an event after an attempt: this is the only place where a class of failure turns into
// a reaction.
func (e *Engine) settle(ctx context.Context, t *task, err error) store.Step {
	now := e.Clock.Now()
	step := t.final
	step.Now = now

	step.Sent = t.sent
	if err == nil && t.spoilt == nil {
		step.Outcome = &store.Outcome{State: t.end}
		return step
	}

	if wait, ok := errors.AsType[*postponed](err); ok {
		step.Outcome = &store.Outcome{State: store.Pending, RetryAt: wait.until}
		return step
	}

	f := t.spoilt
	if err != nil {
		f = failure.Of(err)
		if f.Class != failure.Ambiguous {
			step.Unsent = t.inFlight
			if ctx.Err() != nil { // cut off by the end of the process, which is no failure of the event
				step.Outcome = &store.Outcome{State: store.Pending, RetryAt: now}
				return step
			}
		}
	}

	step.Outcome = e.react(ctx, t, f, now)

	dead := step.Outcome.State == store.Dead
	switch {
	case t.work.Event.Class == store.Conversations:
		if dead {
			e.bury(t, &step, f)
		}
	case dead || now.Sub(t.work.Event.ReceivedAt) > patienceBeside:
		// Nobody waits for a status or a notice; its history says what became of it.
		step.Outcome.State = store.Skipped
		step.Outcome.RetryAt = time.Time{}
	}

	return step
}

// react turns the class of a failure into an outcome.
func (e *Engine) react(ctx context.Context, t *task, f *failure.Error, now time.Time) *store.Outcome {
	processing := t.settings.Processing
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
		until, err := e.hold(ctx, t.scopes(), f)
		if err != nil {
			e.Log.Error("hold back a limited scope", "error", err)
		}

		outcome.RetryAt = until
	case failure.Ambiguous:
		history.Spent = true
		outcome.RetryAt = now.Add(processing.AmbiguousWindow)
	case failure.Transient:
		history.Spent = true

		if t.work.Attempts >= *processing.Retry.MaxRetries && t.work.Event.Kind != store.KindNotice {
			outcome.State = store.Dead
			break
		}

		outcome.RetryAt = now.Add(f.RetryAfter)
		if f.RetryAfter == 0 {
			outcome.RetryAt = now.Add(failure.Backoff(t.work.Attempts, processing.Retry.BaseDelay, processing.Retry.MaxDelay, random()))
		}
	default:
		history.Spent = true
		outcome.State = store.Dead
	}

	return outcome
}

// bury announces a dead letter, and marks the conversation where only a template could have helped.
func (e *Engine) bury(t *task, step *store.Step, f *failure.Error) {
	if f.Class == failure.TemplateRequired {
		step.TemplateRequired = new(true)
		t.announce(notice.TemplateRequired, step.Now, map[string]any{"code": f.Code})
	}

	t.announce(notice.MessageDead, step.Now, map[string]any{
		"class": f.Class,
		"code":  f.Code,
		"error": f.Error(),
		"type":  t.work.Event.Type,
	})
	step.Emit = t.final.Emit
}

const (
	recordTimeout  = 10 * time.Second // of one try to record
	recordRetry    = 100 * time.Millisecond
	recordRetryMax = 5 * time.Second
)

// record makes a step durable. What was done must not be forgotten because the store is away for a moment: it is tried
// until the lease is lost or the work is stopped, and then once more.
func (e *Engine) record(ctx context.Context, t *task, step store.Step) (*store.Work, error) {
	for wait := recordRetry; ; wait = min(2*wait, recordRetryMax) {
		stopped := ctx.Err() != nil
		try, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
		next, err := e.Store.Advance(try, t.lease, t.work.Event.ID, step)

		cancel()

		if err == nil || stopped || errors.Is(err, store.ErrLeaseLost) || errors.Is(err, store.ErrAlreadySent) {
			return next, err
		}

		e.Log.Error("record progress, trying again", logevent.EventID, t.work.Event.ID, "error", err)

		timer := e.Clock.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.Chan():
		}

		timer.Stop()
	}
}

// report tells what became of an event, in log and metrics.
func (e *Engine) report(t *task, outcome *store.Outcome) {
	event := t.work.Event
	took := e.Clock.Since(event.ReceivedAt)

	about := []any{logevent.EventID, event.ID, "kind", event.Kind, "type", event.Type, "took", took}
	if f := outcome.Failure; f != nil {
		about = append(about, "class", f.Class, "code", f.Code, "error", f.Text, "attempts", t.work.Attempts)
	}

	message := event.Kind == store.KindMessage
	switch {
	case outcome.State == store.Pending:
		if outcome.Failure != nil {
			e.Log.Warn("will be tried again", append(about, "at", outcome.RetryAt)...)
		}
	case outcome.State == store.Dead:
		e.Metrics.MessageFailed()
		e.Log.Error("message became a dead letter", about...)
	case outcome.Failure != nil:
		e.Log.Error("given up", about...)
	case outcome.State == store.Done && message:
		e.Metrics.MessageProcessed(event.Type, took)
		e.Log.Info("message handled", append(about, "replies", len(t.work.Replies))...)
	case message:
		e.Log.Info("message kept: nothing is asked about its type", about...)
	default:
		e.Log.Debug("handled", about...)
	}
}
