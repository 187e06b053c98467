// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// methodBound is how many configuration retries an event waits for a method that Bird refuses. Then it is dead-lettered,
// so that the conversation goes on.
const methodBound = 20

func (h head) methodBound() time.Duration {
	return methodBound * h.settings.Processing.ConfigurationRetry
}

// waitForMethod returns the outcome of an event whose method Bird refuses: it waits for the method until its bound, and is
// asked once more then, whatever Bird said about other events.
func (e *Engine) waitForMethod(ctx context.Context, h head, closed *gate.Closed) *store.Outcome {
	now := e.Clock.Now()
	since := e.refusedSince(ctx, h, closed.Code, now)

	outcome := e.waitFor(h, closed)
	outcome.RetryAt = since.Add(h.methodBound())

	if since.Equal(now) { // the start of the wait survives a crash
		outcome.Failure = historyOf(&failure.Error{
			Class: failure.Configuration,
			Scope: failure.ScopeBirdMethod,
			Op:    "ask Bird",
			Code:  closed.Code,
			Text:  closed.Cause,
		}, now, false)
	}

	return outcome
}

// refusedSince returns when Bird first refused the event's method with a code, or now if this is the first time.
func (e *Engine) refusedSince(ctx context.Context, h head, code string, now time.Time) time.Time {
	record, err := e.Store.Get(ctx, h.work.Event.ID)
	if err != nil {
		return now
	}

	for _, f := range record.Failures {
		if f.Class == string(failure.Configuration) && f.Code == code {
			return f.At
		}
	}

	return now
}
