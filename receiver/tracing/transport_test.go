// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// tlsCollector is an OTLP collector with a certificate of an internal authority.
type tlsCollector struct {
	*httptest.Server
	spans atomic.Int64
}

func newCollector(t *testing.T, clients tls.ClientAuthType) *tlsCollector {
	t.Helper()

	c := &tlsCollector{}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)

		var export collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &export)
		}

		if err != nil {
			t.Error(err)
		}

		for _, resource := range export.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans.Add(int64(len(scope.Spans)))
			}
		}
	}))
	c.TLS = &tls.Config{ClientAuth: clients}
	c.StartTLS()
	t.Cleanup(c.Close)

	return c
}

// authority returns the collector's authority as PEM.
func (c *tlsCollector) authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate().Raw})
}

// key returns the key of that certificate as PEM.
func (c *tlsCollector) key(t *testing.T) []byte {
	t.Helper()

	der, err := x509.MarshalPKCS8PrivateKey(c.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}

	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// TestInternalAuthority exports a span to a collector whose authority is in the configuration or in the environment, and to
// one that asks for a certificate.
func TestInternalAuthority(t *testing.T) {
	const (
		unset = ""
		own   = "own"   // a file with the collector's authority, or the key of its certificate
		wrong = "wrong" // a file without certificates
	)

	for name, c := range map[string]struct {
		configured  string
		clients     tls.ClientAuthType
		environment map[string]string
		spans       int64
	}{
		"none": {},
		"in the configuration": {
			configured: own,
			spans:      1,
		},
		"in the environment": {
			environment: map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": own},
			spans:       1,
		},
		"in the environment of traces": {
			environment: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": own, "OTEL_EXPORTER_OTLP_CERTIFICATE": wrong},
			spans:       1,
		},
		"in both": {
			configured:  own,
			environment: map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": own},
			spans:       1,
		},
		"in the configuration, with a broken file in the environment": {
			configured:  own,
			environment: map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": wrong},
			spans:       1,
		},
		"broken": {configured: wrong},
		"without a certificate of the receiver": {
			configured: own,
			clients:    tls.RequireAnyClientCert,
		},
		"with a certificate of the receiver": {
			configured: own,
			clients:    tls.RequireAnyClientCert,
			environment: map[string]string{
				"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": own,
				"OTEL_EXPORTER_OTLP_CLIENT_KEY":         "key",
			},
			spans: 1,
		},
		"with a certificate of the receiver for traces": {
			configured: own,
			clients:    tls.RequireAnyClientCert,
			environment: map[string]string{
				"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": own,
				"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY":         "key",
			},
			spans: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := newCollector(t, c.clients)
			folder := t.TempDir()
			contents := map[string][]byte{
				unset: nil,
				own:   server.authority(),
				wrong: []byte("no certificate"),
				"key": server.key(t),
			}

			for variable, file := range c.environment {
				path := filepath.Join(folder, file)
				if err := os.WriteFile(path, contents[file], 0o600); err != nil {
					t.Fatal(err)
				}

				t.Setenv(variable, path)
			}

			tracer, err := Open(t.Context(), server.URL, func() string { return string(contents[c.configured]) }, "test")
			if err != nil {
				t.Fatal(err)
			}

			_, span := tracer.Start(t.Context(), "work")
			span.End(nil)

			_ = tracer.Close(t.Context())

			if got := server.spans.Load(); got != c.spans {
				t.Errorf("%d spans arrived, want %d", got, c.spans)
			}
		})
	}
}

// TestChangedAuthority adds the authority while the receiver runs.
func TestChangedAuthority(t *testing.T) {
	server := newCollector(t, tls.NoClientCert)

	var authority atomic.Value

	authority.Store("")

	tracer, err := Open(t.Context(), server.URL, func() string { return authority.Load().(string) }, "test")
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		authority string
		spans     int64
	}{{"", 0}, {string(server.authority()), 1}} {
		authority.Store(c.authority)

		_, span := tracer.Start(t.Context(), "work")
		span.End(nil)

		_ = tracer.provider.ForceFlush(t.Context())

		if got := server.spans.Load(); got != c.spans {
			t.Errorf("%d spans arrived, want %d", got, c.spans)
		}
	}

	_ = tracer.Close(t.Context())
}

// TestRedirectIsNotFollowed lets the collector redirect to another server. It gets no spans, and not the headers of the environment,
// which often have a key.
func TestRedirectIsNotFollowed(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret")

	var given atomic.Pointer[string]

	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		given.Store(new(r.Header.Get("Api-Key")))
	}))
	defer other.Close()

	redirecting := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer redirecting.Close()

	tracer, err := Open(t.Context(), redirecting.URL, func() string { return "" }, "test")
	if err != nil {
		t.Fatal(err)
	}

	_, span := tracer.Start(t.Context(), "any")
	span.End(nil)

	if err := tracer.Close(t.Context()); err != nil { // it waits for the export
		t.Fatal(err)
	}

	if key := given.Load(); key != nil {
		t.Errorf("another server got an export with the key %q", *key)
	}
}
