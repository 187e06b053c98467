// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/storetest"
)

func BenchmarkSearch(b *testing.B) {
	storetest.BenchmarkSearch(b, openBenchmark(b), message(-1, 50_000))
}

// openBenchmark returns a store of 1,000,000 finished events.
func openBenchmark(b *testing.B) *Store {
	b.Helper()

	s := openStore(b, filepath.Join(b.TempDir(), "inbox.db"))
	fill(b, s, 0, 1_000_000, 50_000)

	err := s.writer.do(b.Context(), func(t *tx) error {
		_, err := t.exec(`
			UPDATE events SET finished_at = received_at, code = iif(seq % 10 = 0, '131026', ''),
				state = CASE seq % 10 WHEN 0 THEN 'dead' WHEN 1 THEN 'human' ELSE 'done' END`)
		if err != nil {
			return err
		}

		_, err = t.exec("UPDATE conversations SET ready_at = NULL")

		return err
	})
	if err != nil {
		b.Fatal(err)
	}

	return s
}
