// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestAnswersAwaited checks that a question counts until it is settled, or until another receiver looks after it.
func TestAnswersAwaited(t *testing.T) {
	clock := clockwork.NewFakeClock()
	m := New(clock)

	want := func(n int) {
		t.Helper()

		if got := m.awaited.count(); got != n {
			t.Errorf("%d answers are awaited, want %d", got, n)
		}
	}

	first := store.ID{1}
	m.AnswerAwaited(first, clock.Now().Add(20*time.Second))
	m.AnswerAwaited(store.ID{2}, clock.Now().Add(20*time.Second))
	want(2)

	m.AnswerSettled(first)
	want(1)

	clock.Advance(25 * time.Second)
	want(1)

	clock.Advance(10 * time.Second)
	want(0)
}
