// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// A person without a row, of whom only old events are stored, writes while the person is forgotten.
func TestForgetLeavesTheLaneOfAPersonWhoWritesMeanwhile(t *testing.T) {
	access := newAccess(t)
	s := openStore(t, access)
	other := openStore(t, access)

	if err := other.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}

	release := block(t, other, "LOCK TABLE names IN SHARE MODE") // stops deletions of names

	e := message(1, 1)
	forgotten := make(chan error, 1)

	go func() { forgotten <- s.Forget(t.Context(), e.Lane) }()

	for isReady := false; !isReady; {
		isReady = len(forgotten) > 0 || waitsForLock(t, other)
	}

	if _, err := other.Ingest(t.Context(), []store.Event{e}); err != nil {
		t.Fatal(err)
	}

	release()

	if err := <-forgotten; err != nil {
		t.Fatalf("Forget returned %v", err)
	}

	leases, err := other.Claim(t.Context(), store.Conversations, start, start.Add(time.Minute), 10)
	if err != nil || len(leases) != 1 {
		t.Errorf("Claim returned %v, %v, want the lane of the message", leases, err)
	}
}
