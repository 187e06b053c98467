// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// The variables that name files for TLS: the certificate authorities of the collector, and the certificate and key by which
// the receiver identifies itself. Those of traces come before those of all signals.
//
// Source: OpenTelemetry, OTLP exporter configuration.
var (
	authorityVariables   = []string{"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"}
	certificateVariables = []string{"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"}
	keyVariables         = []string{"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"}
)

// transport returns the transport to the collector. The exporter applies the variables for TLS only to its own transport,
// which would not refuse metadata addresses, so this one reads their files.
func transport(authorities func() string) http.RoundTripper {
	return httpclient.TransportWith("tracing.endpointURL", func() string { return withEnvironment(authorities()) }, clientCertificate)
}

// withEnvironment adds the authorities of the environment to the configured ones. The file may be replaced while the receiver
// runs. The exporter has reported a file that cannot be read.
func withEnvironment(authorities string) string {
	path := firstSet(authorityVariables)
	if path == "" {
		return authorities
	}

	further, err := os.ReadFile(path)
	if err != nil {
		return authorities
	}

	return authorities + "\n" + string(further)
}

// clientCertificate returns the certificate of the environment, or an empty one, which stands for none.
func clientCertificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	certificate := firstSet(certificateVariables)

	key := firstSet(keyVariables)
	if certificate == "" || key == "" {
		return &tls.Certificate{}, nil
	}

	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("load the client certificate for the collector: %w", err)
	}

	return &pair, nil
}

// firstSet returns the value of the first variable that has one.
func firstSet(names []string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}

	return ""
}
