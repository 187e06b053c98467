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

// methodDeadline returns until when an event waits for a method that Bird refuses with a code. It is asked once more then,
// whatever Bird said about other events. isFirst reports whether the wait starts now.
func (e *Engine) methodDeadline(ctx context.Context, h head, code string) (deadline time.Time, isFirst bool) {
	since := e.Clock.Now()
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

	return since.Add(methodBound * h.settings.Processing.ConfigurationRetry), isFirst
}
