// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"testing"
	"time"
)

// simulate returns the deliveries a second that are stored and refused if each commit of the store takes so long and takes
// all waiting deliveries, as group commit does. Each client repeats a refused delivery after half a second, and sends the
// next one when one is stored.
func simulate(commit time.Duration, clients int) (stored, refused float64) {
	const (
		step  = 10 * time.Millisecond
		retry = 500 * time.Millisecond
		run   = time.Minute
	)

	var (
		a                   admission
		waiting, committing []time.Time // when they were admitted
		began               time.Time
		retries             = map[time.Time]int{}
		idle                = clients
		yes, no             int
	)

	for at := now; at.Sub(now) < run; at = at.Add(step) {
		if len(committing) > 0 && at.Sub(began) >= commit {
			for _, acquired := range committing {
				a.release(at, acquired)
			}

			yes += len(committing)
			idle += len(committing)
			committing = nil
		}

		idle += retries[at]

		for ; idle > 0; idle-- {
			if a.acquire(at) {
				waiting = append(waiting, at)
			} else {
				no++
				retries[at.Add(retry)]++
			}
		}

		if len(committing) == 0 {
			committing = waiting
			waiting = nil
			began = at
		}
	}

	return float64(yes) / run.Seconds(), float64(no) / run.Seconds()
}

func TestSlowCommitsDegradeSmoothly(t *testing.T) {
	const clients = 128

	for _, commit := range []time.Duration{
		100 * time.Millisecond,
		450 * time.Millisecond,
		550 * time.Millisecond,
		900 * time.Millisecond,
		1300 * time.Millisecond,
		2 * time.Second,
		3 * time.Second,
		4 * time.Second,
		5 * time.Second,
	} {
		stored, refused := simulate(commit, clients)
		t.Logf("a commit takes %s: %.0f deliveries a second stored, %.0f refused", commit, stored, refused)

		possible := clients / commit.Seconds()
		if stored < possible*3/4 {
			t.Errorf("with commits of %s, %.0f deliveries a second are stored, want at least 3/4 of %.0f", commit, stored, possible)
		}

		if commit < maxWait && refused > 0 {
			t.Errorf("with commits of %s, %.0f deliveries a second are refused, want none", commit, refused)
		}
	}
}
