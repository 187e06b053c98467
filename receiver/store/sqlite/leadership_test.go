// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"path/filepath"
	"testing"
	"time"
)

// TestOpenEndsLeadershipOfDeadProcess checks that the next process leads at once, with the state of the one before.
func TestOpenEndsLeadershipOfDeadProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "inbox.db")

	published := ""
	for _, process := range []string{"first", "second", "third"} {
		s, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}

		now := time.Unix(1_800_000_000, 0)

		held, state, err := s.AcquireLeadership(t.Context(), "sweep", process, now, now.Add(time.Hour))
		if err != nil || !held || string(state) != published {
			t.Errorf("the %s process leads: %v, with the state %q, %v; want the state %q", process, held, state, err, published)
		}

		published = "of the " + process
		if err := s.PublishState(t.Context(), "sweep", process, []byte(published)); err != nil {
			t.Error(err)
		}

		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
