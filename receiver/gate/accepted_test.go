// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestAcceptedCallOpensTheAppOnly(t *testing.T) {
	for name, tc := range map[string]struct {
		fault *failure.Error
		opens bool
	}{
		"a refused token":    {refusal(failure.ScopeApp, "190"), true},
		"a limit of the app": {limit(failure.ScopeApp, time.Second), false},
		"a blocked account":  {refusal(failure.ScopeBusinessAccount, "368"), false},
		"an outage of Meta":  {&failure.Error{Class: failure.Transient}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)

			for n := range threshold {
				f.call(person(n), n, tc.fault)
				f.clock.Advance(100 * time.Millisecond) // for the throughput of the number
			}

			f.clock.Advance(time.Hour)
			f.enter(Lookup("waba"), 9).Accepted()

			if probe := f.enter(person(9), 9); probe.IsProbe() == tc.opens {
				t.Errorf("the next send is a probe: %t, want %t", probe.IsProbe(), !tc.opens)
			}
		})
	}
}
