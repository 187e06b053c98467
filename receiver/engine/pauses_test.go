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

// brokenPauses is a store whose pauses cannot be read.
type brokenPauses struct{ store.Store }

func (brokenPauses) Pauses(context.Context, time.Time) ([]store.Pause, error) {
	return nil, errors.New("the store is unavailable")
}

func TestRateLimitPausesScopeThoughPausesCannotBeRead(t *testing.T) {
	f := newFixture(t, nil)
	limit := standin.GraphError(130429, "", 0)
	limit.PathPrefix = "/42/messages"
	f.graph.Faults.Add(limit)

	inbox := f.parts.Store
	f.parts.Store = brokenPauses{inbox}
	f.start(t)
	id := f.ingest(t, "573001234567", "wamid.1")

	f.waitFor(t, "the rate limit", func() bool {
		record, err := inbox.Get(t.Context(), id)
		return err == nil && len(record.Failures) == 1
	})

	pauses, err := inbox.Pauses(t.Context(), time.Now())
	if err != nil || len(pauses) != 1 {
		t.Errorf("pauses = %v, %v; want the pause of the number", pauses, err)
	}
}
