// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"sync"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// TestTypingIsRenewed checks that a person sees the typing indicator as long as Bird is asked. Groups have none.
func TestTypingIsRenewed(t *testing.T) {
	for name, tc := range map[string]struct {
		group    whatsapp.Text
		renewals int
	}{
		"a person": {renewals: 2},
		"a group":  {group: "G1"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			clock := clockwork.NewFakeClockAt(now)
			f.parts.Clock = clock
			e := New(f.parts)

			settings := *f.parts.Live.Current()
			settings.Processing.TypingIndicator = new(true)

			a := &attempt{inbound: inbound{
				head: head{
					lease:    store.LeaseRef{Lane: "42:1"},
					work:     &store.Work{},
					settings: &settings,
				},
				item: whatsapp.Item{Metadata: whatsapp.Metadata{PhoneNumberID: "42"}},
			}}
			a.message = whatsapp.Message{ID: "wamid.1", Type: "text", GroupID: tc.group}

			asking, stop := context.WithCancel(t.Context())

			var shown sync.WaitGroup
			shown.Go(func() { e.showTyping(t.Context(), asking, a) })

			for range tc.renewals {
				if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
					t.Fatal(err)
				}

				clock.Advance(typingRenewal)
			}

			if tc.renewals > 0 {
				if err := clock.BlockUntilContext(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
			}

			stop()
			shown.Wait()

			if got, want := len(f.graph.Recorder.Calls()), 1+tc.renewals; got != want {
				t.Errorf("the receipt was sent %d times, want %d", got, want)
			}
		})
	}
}
