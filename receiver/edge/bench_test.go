// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"testing"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// BenchmarkDeliver serves deliveries without the server and the store.
func BenchmarkDeliver(b *testing.B) {
	for name, file := range map[string]string{"text": "message.text.json", "status": "status.delivered.json"} {
		b.Run(name, func(b *testing.B) { benchmarkDeliver(b, file) })
	}
}

func benchmarkDeliver(b *testing.B, file string) {
	sample, err := os.ReadFile("../whatsapp/testdata/deliveries/" + file)
	if err != nil {
		b.Fatal(err)
	}

	var body bytes.Buffer
	if err := json.Compact(&body, sample); err != nil { // as Meta sends it
		b.Fatal(err)
	}

	clock := clockwork.NewRealClock()
	edge := New(Dependencies{
		Inbox: discardInbox{},
		Live: config.Fixed(
			config.Config{Bird: config.Bird{BaseURL: "http://127.0.0.1"}},
			config.Secrets{AppSecrets: []string{"secret"}},
		),
		Metrics: metrics.New(clock),
		Tracer:  &tracing.Tracer{},
		Clock:   clock,
		Log:     slog.New(slog.DiscardHandler),
		Media:   http.NotFoundHandler(),
	})

	reader := bytes.NewReader(body.Bytes())

	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "/webhooks/whatsapp", reader)
	if err != nil {
		b.Fatal(err)
	}

	request.Header.Set("X-Hub-Signature-256", sign("secret", body.String()))

	writer := &discardWriter{header: http.Header{}}

	b.ReportAllocs()
	b.SetBytes(int64(body.Len()))

	began := cpuTime(b)

	for b.Loop() {
		reader.Reset(body.Bytes())
		request.Body = io.NopCloser(reader)

		if edge.ServeHTTP(writer, request); writer.status != http.StatusOK {
			b.Fatal(writer.status)
		}
	}

	b.ReportMetric(float64(cpuTime(b)-began)/float64(b.N), "cpu-ns/op")
}

// discardWriter is a response of which only the status is kept.
type discardWriter struct {
	header http.Header
	status int
}

func (w *discardWriter) Header() http.Header         { return w.header }
func (w *discardWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *discardWriter) WriteHeader(status int)      { w.status = status }

// discardInbox stores nothing.
type discardInbox struct{}

func (discardInbox) Ingest(_ context.Context, events []store.Event) ([]bool, error) {
	fresh := make([]bool, len(events))
	for i := range fresh {
		fresh[i] = true
	}

	return fresh, nil
}
