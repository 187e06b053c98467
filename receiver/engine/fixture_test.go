// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant/contract"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// safetyTimeout ends a test that would otherwise hang. No test depends on its length.
const safetyTimeout = 2 * time.Minute

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func testConfig() config.Config {
	return config.Config{
		Bird: config.Bird{BaseURL: "http://127.0.0.1:1"},
		Processing: config.Processing{
			Retry: config.Retry{
				MaxRetries: new(2),
				BaseDelay:  10 * time.Second,
				MaxDelay:   100 * time.Second,
			},
			ConfigurationRetry: 7 * time.Second,
			AmbiguousWindow:    11 * time.Second,
			TypingIndicator:    new(false),
		},
	}.WithDefaults()
}

// fixture has an engine's parts: a real store between stand-ins for Meta and Bird. Tests change parts before start.
type fixture struct {
	parts  Dependencies
	engine *Engine // set by start
	graph  *standin.Graph
	bird   *standin.Bird
}

// newFixture returns a fixture whose stand-in for Bird answers with reply.
func newFixture(t *testing.T, reply func(string, map[string]any) any) *fixture {
	t.Helper()

	graph := standin.NewGraph(standin.GraphOptions{})
	ai := standin.NewBird(standin.BirdOptions{Reply: reply})
	graphServer := httptest.NewServer(graph)
	birdServer := httptest.NewServer(ai)

	t.Cleanup(func() {
		graph.Close()
		ai.Close()
		graphServer.Close()
		birdServer.Close()
	})

	inbox, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := inbox.Close(); err != nil {
			t.Error(err)
		}
	})

	c := testConfig()
	c.CloudAPI.BaseURL = graphServer.URL
	c.Bird.BaseURL = birdServer.URL
	c.Processing.Poll = 10 * time.Millisecond
	c.Media.SpoolDir = filepath.Join(t.TempDir(), "spool")
	live := config.Fixed(c, config.Secrets{AccessToken: "token", BirdAccessKey: "key"})

	clock := clockwork.NewRealClock()

	parts := Dependencies{
		Store:     inbox,
		Assistant: assistant.NewClient(drivers, nil, 4, clock),
		Graph:     cloudapi.NewClient(live, 4, clock),
		Live:      live,
		Notices:   notice.NewSender(live, 1, clock),
		Desk:      handoff.NewClient(live, 1, clock),
		Metrics:   metrics.New(clock),
		Tracer:    &tracing.Tracer{},
		Clock:     clock,
		Log:       slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if parts.Media, err = media.Open(live, parts.Graph, clock); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		parts.Assistant.Close()
		parts.Graph.Close()
		parts.Media.Close()
		parts.Notices.Close()
		parts.Desk.Close()
	})

	return &fixture{
		parts: parts,
		graph: graph,
		bird:  ai,
	}
}

// start runs an engine until the end of the test.
func (f *fixture) start(t *testing.T) {
	t.Helper()

	f.engine = New(f.parts)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))

	var run sync.WaitGroup
	run.Go(func() { f.engine.Run(ctx, func() time.Duration { return safetyTimeout }) })

	t.Cleanup(func() {
		stop()
		run.Wait()
	})
}

// ingest stores a text message and returns the id of its event. A running engine finds it by polling.
func (f *fixture) ingest(t *testing.T, from, messageID string) store.ID {
	t.Helper()

	delivery := standin.TextDelivery("42", from, "Ana", messageID, "hello", time.Now())

	events, err := intake.Events(t.Context(), delivery, config.Config{}, time.Now())
	if err != nil {
		t.Fatal(err)
	}

	if _, err := f.parts.Store.Ingest(t.Context(), events); err != nil {
		t.Fatal(err)
	}

	return events[0].ID
}

// waitFor returns when holds does.
func (f *fixture) waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()

	timeout := time.After(safetyTimeout)

	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()

	for !holds() {
		select {
		case <-timeout:
			t.Fatalf("timeout while waiting for %s", what)
		case <-tick.C:
		}
	}
}

// waitForDeadLetter returns the record of an event once it is a dead letter.
func (f *fixture) waitForDeadLetter(t *testing.T, id store.ID) *store.Record {
	t.Helper()

	var record *store.Record
	f.waitFor(t, "the dead letter", func() bool {
		var err error

		record, err = f.parts.Store.Get(t.Context(), id)

		return err == nil && record.Event.State == store.Dead
	})

	return record
}

var drivers = map[config.Protocol]assistant.Driver{config.ProtocolContract: contract.Driver{}}
