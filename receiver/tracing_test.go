// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// TestOneTraceFromDeliveryToReply checks the spans at an OTLP collector with a certificate of an internal authority.
func TestOneTraceFromDeliveryToReply(t *testing.T) {
	var (
		mu    sync.Mutex
		spans []*trace.Span
	)

	otlp := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)

		var export collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &export)
		}

		if err != nil {
			t.Error(err)
		}

		mu.Lock()
		defer mu.Unlock()

		for _, resource := range export.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				spans = append(spans, scope.Spans...)
			}
		}
	}))
	defer otlp.Close()

	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Tracing.EndpointURL = otlp.URL })
	h.writeSecret(config.RoleTracingCA, "0", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: otlp.Certificate().Raw})))
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.waitIdle()
	h.stop()

	mu.Lock()
	defer mu.Unlock()

	var names []string

	traces := map[string]bool{}
	for _, span := range spans {
		names = append(names, span.Name)

		traces[string(span.TraceId)] = true
		if shown := span.String(); strings.Contains(shown, ana) || strings.Contains(shown, "hello") || strings.Contains(shown, "wamid") {
			t.Errorf("a span contains personal data: %s", shown)
		}
	}

	slices.Sort(names)

	if diff := cmp.Diff([]string{"ask AI", "handle message", "receive delivery", "send message", "store events"}, names); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}

	if len(traces) != 1 {
		t.Errorf("%d traces, want one across the store", len(traces))
	}

	parent := ""
	for _, call := range h.Bird.Recorder.Calls() {
		if strings.HasPrefix(call.Path, "/v1/messages") {
			parent = call.Header.Get("Traceparent")
		}
	}

	if parent == "" {
		t.Error("Bird did not get the trace")
	}
}
