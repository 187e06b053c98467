// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestLostLeaseStopsTheAttempt(t *testing.T) {
	asked := make(chan struct{})
	answer := make(chan struct{})
	f := newFixture(t, func(method string, request map[string]any) any {
		close(asked)
		<-answer

		return standin.EchoReply(method, request)
	})
	f.start(t)
	id := f.ingest(t, "573001234567", "wamid.1")

	<-asked
	// Another receiver finds the lease expired and takes the conversation over.
	later := time.Now().Add(time.Hour)

	leases, err := f.parts.Store.Claim(t.Context(), store.Conversations, later, later.Add(time.Minute), 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Claim() = %v, %v, want the conversation", leases, err)
	}

	close(answer)
	f.waitFor(t, "the first receiver to release the conversation", func() bool {
		conversations := f.engine.pools[0]
		conversations.mu.Lock()
		defer conversations.mu.Unlock()

		return len(conversations.active) == 0
	})

	if sent := f.graph.Sent(); len(sent) != 0 {
		t.Errorf("sent %d messages without the lease, want none", len(sent))
	}

	step := store.Step{Now: later, Outcome: &store.Outcome{State: store.Done}}
	if _, err := f.parts.Store.Advance(t.Context(), leases[0].LeaseRef, id, step); err != nil {
		t.Errorf("the other receiver cannot go on: %v", err)
	}
}

func TestMessageThatCrashesTheProcessIsDeadLettered(t *testing.T) {
	f := newFixture(t, nil)
	id := f.ingest(t, "573001234567", "wamid.1")

	at := time.Now()
	for range maxStarts { // receivers that crashed after the claim
		at = at.Add(time.Hour)
		if _, err := f.parts.Store.Claim(t.Context(), store.Conversations, at, at.Add(time.Minute), 1); err != nil {
			t.Fatal(err)
		}
	}

	f.parts.Clock = clockwork.NewFakeClockAt(at.Add(time.Hour))
	f.start(t)

	record := f.waitForDeadLetter(t, id)

	var codes []string
	for _, f := range record.Failures {
		codes = append(codes, f.Code)
	}

	if diff := cmp.Diff([]string{codeAbandoned}, codes); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	const bound = 3

	busy := make(chan struct{}, 100)
	answer := make(chan struct{})
	f := newFixture(t, func(string, map[string]any) any {
		busy <- struct{}{}

		<-answer

		return nil
	})

	settings := *f.parts.Live.Current()
	settings.Processing.Concurrency = bound
	f.parts.Live = config.Fixed(settings.Config, settings.Secrets)

	for i := range 2 * bound {
		f.ingest(t, fmt.Sprint("57300", i), standin.Wamid(fmt.Sprint(i)))
	}

	f.start(t)

	for range bound {
		<-busy
	}

	f.engine.Wake(store.Conversations)

	if n := len(busy); n != 0 {
		t.Errorf("%d conversations more than the bound are processed", n)
	}

	close(answer)
	f.waitFor(t, "all requests", func() bool { return len(f.bird.Asked()) == 2*bound })
}
