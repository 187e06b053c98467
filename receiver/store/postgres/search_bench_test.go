// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/storetest"
)

func BenchmarkSearch(b *testing.B) {
	storetest.BenchmarkSearch(b, openBenchmark(b), message(-1, 50_000))
}

// openBenchmark returns a store of 1,000,000 finished events.
func openBenchmark(b *testing.B) *Store {
	b.Helper()

	s := openStore(b, newAccess(b))
	fill(b, s, 0, 1_000_000, 50_000)

	err := s.write(b.Context(), func(_ context.Context, t *tx) error {
		t.exec(`
			UPDATE events SET finished_at = received_at, code = CASE WHEN seq % 10 = 0 THEN '131026' ELSE '' END,
				state = CASE seq % 10 WHEN 0 THEN 'dead' WHEN 1 THEN 'human' ELSE 'done' END`)
		t.exec("UPDATE conversations SET ready_at = NULL")

		return nil
	})
	if err != nil {
		b.Fatal(err)
	}

	return s
}
