// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestLoneFailures counts the failures of an event while another one is accepted, and during an outage.
func TestLoneFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		accepts bool
		want    int // after three failures
	}{
		"others are accepted": {accepts: true, want: 2},
		"an outage":           {want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			var failures loneFailures

			at := now

			n := 0

			for range 3 {
				at = at.Add(time.Minute)
				n = failures.fail(store.ID{1}, at)

				if tc.accepts {
					failures.accept(store.ID{2}, at.Add(time.Second))
				}
			}

			if n != tc.want {
				t.Errorf("failed %d times alone, want %d", n, tc.want)
			}
		})
	}
}
