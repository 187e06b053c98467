// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tracing makes one OpenTelemetry trace of an event, from its delivery to its answer, across the store.
package tracing

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

const (
	scope         = "github.com/wawebhook/whatsapp-webhook-operator/receiver"
	parentKey     = "traceparent"
	exportTimeout = 10 * time.Second
)

// Tracer makes spans, which hold no personal data and no secrets. The zero value makes no spans.
type Tracer struct {
	tracer   trace.Tracer
	provider *sdktrace.TracerProvider
}

// Open returns a tracer that exports to the OTLP endpoint, an HTTP URL such as http://collector:4318. If endpoint is empty
// the tracer makes no spans. authorities returns the certificate authorities, as PEM, that are trusted besides those of the
// system and of the environment. Spans are queued up to a bound and dropped while the collector is unavailable.
func Open(ctx context.Context, endpoint string, authorities func() string, version string) (*Tracer, error) {
	if endpoint == "" {
		return &Tracer{}, nil
	}

	client := &http.Client{
		Timeout:   exportTimeout,
		Transport: transport(authorities),
		// Another host would get the headers of OTEL_EXPORTER_OTLP_HEADERS, such as a key.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}

	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint), otlptracehttp.WithHTTPClient(client))
	if err != nil {
		return nil, fmt.Errorf("trace to the configured endpoint: %w", err)
	}

	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "whatsapp-webhook-receiver"), attribute.String("service.version", version),
		)),
	)

	return &Tracer{tracer: provider.Tracer(scope), provider: provider}, nil
}

// Close exports the queued spans.
func (t *Tracer) Close(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}

	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("export the queued spans: %w", err)
	}

	return nil
}

// Start starts a span as a child of the span in ctx. Attributes are pairs of key and value.
func (t *Tracer) Start(ctx context.Context, name string, attributes ...string) (context.Context, Span) {
	if t.tracer == nil {
		return ctx, Span{noop.Span{}}
	}

	pairs := make([]attribute.KeyValue, 0, len(attributes)/2)
	for i := 0; i+1 < len(attributes); i += 2 {
		pairs = append(pairs, attribute.String(attributes[i], attributes[i+1]))
	}

	ctx, span := t.tracer.Start(ctx, name, trace.WithAttributes(pairs...))

	return ctx, Span{span}
}

// Span is a running span. End it once.
type Span struct{ span trace.Span }

// End ends the span, as failed if err is not nil. It exports only the class and code of an error.
func (s Span) End(err error) {
	if err != nil {
		f := failure.Of(err)
		s.span.SetAttributes(attribute.String("failure.class", string(f.Class)), attribute.String("failure.code", f.Code))
		s.span.SetStatus(codes.Error, string(f.Class))
	}

	s.span.End()
}

// Parent returns the span in ctx as it is stored with an event; empty if ctx has none.
//
// Source: W3C Trace Context, traceparent.
func Parent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)

	return carrier[parentKey]
}

// Resume returns ctx with the span of a stored event.
func Resume(ctx context.Context, parent string) context.Context {
	if parent == "" {
		return ctx
	}

	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{parentKey: parent})
}

// Inject adds the span in ctx to the header of a call.
func Inject(ctx context.Context, header http.Header) {
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(header))
}
