// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"path/filepath"
	"testing"
	"time"
)

func TestOpenEndsLeadershipOfDeadProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")
	for _, process := range []string{"first", "second"} {
		s, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}

		now := time.Unix(1_800_000_000, 0)
		if held, _, err := s.AcquireLeadership(t.Context(), "sweep", process, now, now.Add(time.Hour)); err != nil || !held {
			t.Errorf("the %s process leads: %v, %v", process, held, err)
		}

		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
