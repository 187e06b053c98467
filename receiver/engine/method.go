// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// methodBound is how many configuration retries an event waits for a method that Bird refuses. Then it is dead-lettered,
// so that the conversation goes on.
const methodBound = 20

// methodDeadline returns until when an event waits for a method, by the name of its scope, that Bird refuses with a code. It
// is asked once more then, whatever Bird said about other events. isFirst reports whether the wait starts now.
//
// While Bird may refuse all messages, the wait is no failure of the event, which waits as long as it can be answered.
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

	bound := methodBound * h.settings.Processing.ConfigurationRetry
	deadline = since.Add(bound)

	if !now.Before(deadline) && now.Sub(h.work.Event.ReceivedAt) < serviceWindow && e.gate.RefusesAll(method, since) {
		deadline = now.Add(bound)
	}

	return deadline, isFirst
}
