// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// brokenSchedule is a store whose schedule and pauses cannot be read.
type brokenSchedule struct{ store.Store }

func (brokenSchedule) Schedule(context.Context, time.Time) ([3]store.Schedule, []store.Pause, error) {
	return [3]store.Schedule{}, nil, errors.New("the store is unavailable")
}

func TestRateLimitPausesScopeThoughPausesCannotBeRead(t *testing.T) {
	f := newFixture(t, nil)
	limit := standin.GraphError(130429, "", 0)
	limit.PathPrefix = "/42/messages"
	f.graph.Faults.Add(limit)

	inbox := f.parts.Store
	f.parts.Store = brokenSchedule{inbox}
	id := f.ingest(t, "573001234567", "wamid.1") // before the start, since no poll finds it
	f.start(t)

	f.waitFor(t, "the rate limit", func() bool {
		record, err := inbox.Get(t.Context(), id)
		return err == nil && len(record.Failures) > 0
	})

	_, pauses, err := inbox.Schedule(t.Context(), time.Now())
	if err != nil || len(pauses) != 1 {
		t.Errorf("pauses = %v, %v; want the pause of the number", pauses, err)
	}
}
