// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	recordTimeout       = 10 * time.Second // of one try
	recordRetryDelay    = 100 * time.Millisecond
	maxRecordRetryDelay = 5 * time.Second
)

// record stores a step. It retries while the store is unavailable, until the lease is lost or ctx ends, and then tries once
// more: the results of the attempt must not be lost.
func (e *Engine) record(ctx context.Context, h head, step store.Step) (*store.Work, error) {
	for wait := recordRetryDelay; ; wait = min(2*wait, maxRecordRetryDelay) {
		stopped := ctx.Err() != nil

		tryCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
		next, err := e.Store.Advance(tryCtx, h.lease, h.work.Event.ID, step)

		cancel()

		final := errors.Is(err, store.ErrLeaseLost) || errors.Is(err, store.ErrAlreadySent) ||
			errors.Is(err, store.ErrTakenOver)
		if err == nil {
			e.wakeFor(step)
		}

		if err == nil || stopped || final {
			return next, err
		}

		e.outage.record(e.Clock.Now(), err)
		e.sampled.Error("recording progress failed, will retry", logevent.EventID, h.work.Event.ID, "error", err)

		e.sleep(ctx, wait, nil)
	}
}

// finish records the step that ends an attempt, and logs the outcome. It returns the next due event of the lane.
func (e *Engine) finish(ctx context.Context, h head, step store.Step) (*store.Work, error) {
	next, err := e.record(ctx, h, step)
	if err != nil {
		return nil, err
	}

	e.logOutcome(h, step.Outcome)
	e.pools[poolOf(h.lease.Class)].postponed(step.Outcome)

	return next, nil
}

// wakeFor wakes the classes that a recorded step gave work to.
func (e *Engine) wakeFor(step store.Step) {
	for _, event := range step.Emit {
		e.Wake(event.Class)
	}

	if step.Resend != nil {
		e.Wake(store.Conversations)
	}
}

// logOutcome logs and counts the outcome of an attempt.
func (e *Engine) logOutcome(h head, outcome *store.Outcome) {
	event := h.work.Event
	took := e.Clock.Since(event.ReceivedAt)

	attributes := []any{
		logevent.EventID, event.ID,
		"kind", event.Kind,
		"type", event.Type,
		"took_ms", took.Milliseconds(),
	}
	if f := outcome.Failure; f != nil {
		attributes = append(attributes,
			"class", f.Class,
			"code", f.Code,
			"error", f.Text,
			"attempts", h.work.Attempts)
	}

	isMessage := event.Kind == store.KindMessage
	switch {
	case outcome.State == store.Pending:
		if f := outcome.Failure; f != nil && f.Class == string(failure.Permanent) {
			e.Log.Warn("the answer cannot be used, so the fallback text is sent", attributes...)
		} else if f != nil {
			e.sampled.Warn("attempt failed, will retry", append(attributes, "at", outcome.RetryAt)...)
		}
	case outcome.State == store.Dead:
		e.Metrics.MessageFailed()
		e.Log.Error("message dead-lettered", attributes...)
	case outcome.State == store.Expired:
		e.sampled.Error("event expired after failed attempts", attributes...)
	case outcome.State == store.Done && isMessage && outcome.Failure != nil:
		if h.work.Replays > 0 {
			e.Metrics.MessageRecovered()
		}

		e.Log.Info("message accepted by the AI, which answers later", attributes...)
	case outcome.State == store.Done && isMessage:
		e.Metrics.MessageProcessed(event.Type, took)

		if h.work.Replays > 0 {
			e.Metrics.MessageRecovered()
		}

		e.Log.Info("message processed", append(attributes, "replies", len(h.work.Replies))...)
	case outcome.State == store.Done && event.Kind == store.KindOutbound:
		e.Log.Info("outbound message sent", append(attributes, "replies", len(h.work.Replies))...)
	case outcome.State == store.Human:
		e.Log.Info("message not answered: people have the conversation", attributes...)
	case outcome.State == store.Skipped && outcome.Failure != nil && outcome.Failure.Class == classSkipped:
		e.Log.Info("message skipped", attributes...)
	case outcome.State == store.Skipped && outcome.Failure != nil:
		e.Log.Warn("message skipped: it cannot be answered", attributes...)
	case outcome.State == store.Skipped:
		e.Log.Info("message skipped: no enabled method handles its type", attributes...)
	default:
		e.Log.Debug("event processed", attributes...)
	}
}
