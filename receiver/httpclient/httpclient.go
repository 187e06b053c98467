// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package httpclient makes the clients that carry credentials to one server each.
package httpclient

import "net/http"

// New returns a client that keeps up to connections idle connections. It follows no redirects: what it carries is for
// the configured server alone. Every call brings a timeout of its own.
func New(connections int) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = connections
	transport.MaxIdleConns = connections

	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
