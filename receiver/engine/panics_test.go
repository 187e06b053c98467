// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// panickingAt is a store that panics when certain steps of an event are recorded.
type panickingAt struct {
	store.Store

	id     store.ID
	panics func(store.Step) bool
}

func (p *panickingAt) Advance(ctx context.Context, l store.LeaseRef, id store.ID, step store.Step) (*store.Work, error) {
	if id == p.id && p.panics(step) {
		panic("the words of a person")
	}

	return p.Store.Advance(ctx, l, id, step)
}

// TestPanicGivesPermitsBack lets one event panic while it holds what the gate gives to one event at a time. Another event
// gets it afterwards.
func TestPanicGivesPermitsBack(t *testing.T) {
	const guilty, innocent = "573001234567", "573007654321"

	message := func(person, id, kind string, content any) []byte {
		return standin.MessageDelivery("42", person, "Ana", id, kind, content, time.Now())
	}
	image := map[string]any{"id": "500", "mime_type": "image/jpeg"}
	text := map[string]any{"body": "hello"}

	for name, tc := range map[string]struct {
		kind    string
		content any
		panics  func(store.Step) bool
		fault   *standin.Fault
	}{
		"the probe of a phone number": {
			kind:    "text",
			content: text,
			panics:  func(s store.Step) bool { return s.Sending != nil && s.Answer == nil }, // not at its first send
			fault:   new(standin.GraphError(130429, "", 0)),
		},
		"the only place for files": {
			kind:    "image",
			content: image,
			panics:  func(s store.Step) bool { return s.Answer != nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, standin.EchoReply)
			f.graph.PutMedia("500", "image/jpeg", []byte("picture"))
			f.parts.Live.Current().Processing.Concurrency = 2

			if tc.fault != nil {
				tc.fault.PathPrefix = "/42/messages"
				tc.fault.Times = 1
				f.graph.Faults.Add(*tc.fault)
			}

			ingest := func(body []byte) store.ID {
				t.Helper()

				events, err := intake.Events(t.Context(), body, config.Config{}, time.Now())
				if err != nil {
					t.Fatal(err)
				}

				if _, err := f.parts.Store.Ingest(t.Context(), events); err != nil {
					t.Fatal(err)
				}

				return events[0].ID
			}

			clock := &jumpingClock{Clock: f.parts.Clock}
			f.parts.Clock = clock

			var log syncedLog

			f.parts.Log = slog.New(slog.NewTextHandler(&log, nil))
			first := ingest(message(guilty, "wamid.1", tc.kind, tc.content))
			f.parts.Store = &panickingAt{Store: f.parts.Store, id: first, panics: tc.panics}
			f.start(t)
			f.waitFor(t, "the panic", func() bool {
				clock.advance(time.Second)
				return strings.Contains(log.String(), "panic while an event was processed")
			})

			second := ingest(message(innocent, "wamid.2", tc.kind, tc.content))
			asked := clock.Now()

			f.waitFor(t, "the other answer", func() bool {
				clock.advance(time.Second)
				return f.states(t, []store.ID{second})[store.Done] == 1
			})

			if took := clock.Since(asked); took > 10*time.Minute { // other ways open a scope in the end
				t.Errorf("the other answer took %s", took)
			}
		})
	}
}
