// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package httpclient makes HTTP calls to one server and classifies calls without a response. Its callers interpret the
// responses.
package httpclient

import (
	"net/http"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// The HTTP/2 connections are pinged after sendPingTimeout without a frame, and closed if no answer arrives within
// pingTimeout. Otherwise every call on a connection that a NAT gateway or load balancer has forgotten would time out,
// for about 15 minutes, until the kernel gives up. Together they are below the 15 s that a send may take by default.
const (
	sendPingTimeout = 5 * time.Second
	pingTimeout     = 5 * time.Second
)

// Options configure a Client.
type Options struct {
	Clock clockwork.Clock
	// Peer names the server in the texts of failures, such as "Meta".
	Peer string
	// Setting names the setting that holds the server's address, for the failure of an invalid URL.
	Setting string
	// Connections is the maximum number of idle connections. Defaults to those of http.DefaultTransport.
	Connections int
	// Authorities returns the certificate authorities, as PEM, that are trusted besides those of the system. Defaults to
	// none. Setting names the setting next to which they are configured.
	Authorities func() string
	// Guard checks the dialed addresses. Defaults to a guard that refuses link-local and metadata addresses only.
	Guard *Guard
	// CheckRedirect is that of http.Client. It may return a *failure.Error. Defaults to following no redirect: the
	// credentials are only for the configured server.
	CheckRedirect func(next *http.Request, via []*http.Request) error
	// KeepEncoding returns bodies as they were sent, without asking for compression.
	KeepEncoding bool
	// SendPingTimeout and PingTimeout are those of http.HTTP2Config. Default to 5 s each.
	SendPingTimeout time.Duration
	PingTimeout     time.Duration
}

// Client makes calls to one server. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	follows bool // redirects, for which the http.Client is needed
	clock   clockwork.Clock
	peer    string
	setting string
}

// New returns a client with its own connection pool.
func New(o Options) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = o.KeepEncoding
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: sendPingTimeout, PingTimeout: pingTimeout}

	if o.SendPingTimeout > 0 {
		transport.HTTP2.SendPingTimeout = o.SendPingTimeout
	}

	if o.PingTimeout > 0 {
		transport.HTTP2.PingTimeout = o.PingTimeout
	}

	if o.Connections > 0 {
		transport.MaxIdleConnsPerHost = o.Connections
		transport.MaxIdleConns = o.Connections
	}

	guard := Guard{}
	if o.Guard != nil {
		guard = *o.Guard
	}

	guard.setting = o.Setting
	transport.DialContext = guard.dial

	client := &http.Client{Transport: transport, CheckRedirect: o.CheckRedirect}
	if o.Authorities != nil {
		client.Transport = &trust{template: transport, authorities: o.Authorities}
	}

	return &Client{
		http:    client,
		follows: o.CheckRedirect != nil,
		clock:   o.Clock,
		peer:    o.Peer,
		setting: o.Setting,
	}
}

// Close closes the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Intercept replaces the transport, for tests that serve a public host at a loopback address.
func (c *Client) Intercept(transport http.RoundTripper) { c.http.Transport = transport }

// roundTrip sends a request. Without redirects to follow, the transport alone is needed, at less cost.
func (c *Client) roundTrip(request *http.Request) (*http.Response, error) {
	if c.follows {
		return c.http.Do(request)
	}

	return c.http.Transport.RoundTrip(request)
}

// RetryAfter returns the wait that a response asks for, or 0.
func (c *Client) RetryAfter(header http.Header) time.Duration {
	return failure.ParseRetryAfter(header.Get("Retry-After"), c.clock.Now())
}
