// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package retention

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// partlyPurged is a store that purges a part of each batch, and fails for another part.
type partlyPurged struct {
	Store

	left int
}

func (p *partlyPurged) Purge(_ context.Context, _ store.Expiry, limit int) (int, error) {
	n := min(p.left, limit)
	p.left -= n

	return n, errors.New("a page of pauses cannot be read")
}

// TestPurgeGoesOnBesideAFailure purges a backlog of several batches, although a part of the store cannot be purged.
func TestPurgeGoesOnBesideAFailure(t *testing.T) {
	var logged strings.Builder

	inbox := &partlyPurged{left: 5*batchSize + 1}
	purger := New(Dependencies{
		Store: inbox,
		Clock: clockwork.NewFakeClock(),
		Log:   slog.New(slog.NewTextHandler(&logged, nil)),
	})
	purger.remove(t.Context(), store.Expiry{})

	if inbox.left > 0 {
		t.Errorf("%d entries are left, want none", inbox.left)
	}

	if n := strings.Count(logged.String(), "purge failed"); n != 1 {
		t.Errorf("the failure was logged %d times, want 1", n)
	}
}
