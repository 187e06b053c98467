// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	recordTimeout  = 10 * time.Second // of one try to record
	recordRetry    = 100 * time.Millisecond
	recordRetryMax = 5 * time.Second
)

// postponed ends an attempt that could not go on yet. Nothing failed.
type postponed struct{ until time.Time }

func (*postponed) Error() string {
	return "waiting for the status of a send whose outcome is not known"
}

// settle decides what becomes of a message after an attempt: this is the only place where a class of failure turns into
// a reaction.
func (e *Engine) settle(ctx context.Context, t *task, err error) store.Step {
	now, processing := e.Clock.Now(), t.settings.Processing
	step := store.Step{Now: now, Sent: t.sent}
	if err == nil {
		step.Outcome = &store.Outcome{State: t.end}
		return step
	}
	if wait, ok := errors.AsType[*postponed](err); ok {
		step.Outcome = &store.Outcome{State: store.Pending, RetryAt: wait.until}
		return step
	}
	f := failure.Of(err)
	if f.Class != failure.Ambiguous {
		step.Unsent = t.inFlight
		if ctx.Err() != nil { // cut off by the end of the process, which is no failure of the message
			step.Outcome = &store.Outcome{State: store.Pending, RetryAt: now}
			return step
		}
	}
	history := &store.Failure{At: now, Class: string(f.Class), Code: f.Code, Text: f.Error()}
	step.Outcome = &store.Outcome{State: store.Pending, Failure: history}
	switch f.Class {
	case failure.Configuration:
		step.Outcome.RetryAt = now.Add(processing.ConfigurationRetry)
	case failure.RateLimited:
		step.Outcome.RetryAt = now.Add(max(f.RetryAfter, failure.Backoff(t.work.Attempts, processing.Retry.MaxDelay, processing.Retry.MaxDelay, random())))
	case failure.Ambiguous:
		history.Spent = true
		step.Outcome.RetryAt = now.Add(processing.AmbiguousWindow)
	case failure.Transient:
		history.Spent = true
		if t.work.Attempts >= *processing.Retry.MaxRetries {
			step.Outcome.State = store.Dead
			break
		}
		wait := f.RetryAfter
		if wait == 0 {
			wait = failure.Backoff(t.work.Attempts, processing.Retry.BaseDelay, processing.Retry.MaxDelay, random())
		}
		step.Outcome.RetryAt = now.Add(wait)
	default:
		history.Spent = true
		step.Outcome.State = store.Dead
	}
	return step
}

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
		e.Log.Error("record progress, trying again", "event", t.work.Event.ID, "error", err)
		timer := e.Clock.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.Chan():
		}
		timer.Stop()
	}
}

// note keeps the account of one call's outcome.
func (e *Engine) note(op string, err error) {
	if err == nil {
		e.mu.Lock()
		delete(e.problems, op)
		e.mu.Unlock()
		return
	}
	f := failure.Of(err)
	e.Metrics.CallFailed(f)
	if f.Class == failure.Configuration {
		e.mu.Lock()
		e.problems[op] = f.Text
		e.mu.Unlock()
	}
}

// report tells what became of a message, in log and metrics.
func (e *Engine) report(t *task, outcome *store.Outcome) {
	event := t.work.Event
	took := e.Clock.Since(event.ReceivedAt)
	log := e.Log.With("event", event.ID, "type", event.Type, "took", took)
	if f := outcome.Failure; f != nil {
		log = log.With("class", f.Class, "code", f.Code, "error", f.Text, "attempts", t.work.Attempts)
	}
	switch outcome.State {
	case store.Done:
		e.Metrics.MessageProcessed(event.Type, took)
		log.Info("message handled", "replies", len(t.work.Replies))
	case store.Kept:
		log.Info("message kept: nothing handles its type")
	case store.Dead:
		e.Metrics.MessageFailed()
		log.Error("message became a dead letter")
	default:
		if outcome.Failure != nil {
			log.Warn("message will be tried again", "at", outcome.RetryAt)
		}
	}
}
