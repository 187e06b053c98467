// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRates checks that the sends of the last second are counted by phone number.
func TestRates(t *testing.T) {
	f := newFixture(t)

	const (
		number = "1064"
		other  = "1065"
	)

	for n, number := range []string{number, other, other} {
		f.mustCall(Send("1020", number, number+":1"), n, nil, true)
		f.clock.Advance(400 * time.Millisecond)
	}

	want := []Rate{
		{Number: other, Sent: 2, Limit: 20},
		{Number: number, Limit: 20},
	}
	if diff := cmp.Diff(want, f.Rates()); diff != "" {
		t.Errorf("rates (-want +got):\n%s", diff)
	}
}
