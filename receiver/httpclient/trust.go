// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
)

// errAuthorities reports certificate authorities that cannot be read.
var errAuthorities = errors.New("no PEM certificate")

// trust is a transport that trusts certificate authorities besides those of the system. They may change between two requests:
// open requests end on their connections, and new ones use new connections.
type trust struct {
	template    *http.Transport
	authorities func() string                                               // PEM
	certificate func(*tls.CertificateRequestInfo) (*tls.Certificate, error) // of the client; nil: none
	current     atomic.Pointer[trusted]
}

// trusted is a transport for one state of the authorities.
type trusted struct {
	authorities string
	transport   *http.Transport // nil if the authorities cannot be read
}

// RoundTrip implements http.RoundTripper. It refuses requests while the authorities cannot be read.
func (t *trust) RoundTrip(request *http.Request) (*http.Response, error) {
	if transport := t.transport(); transport != nil {
		return transport.RoundTrip(request)
	}

	if request.Body != nil {
		_ = request.Body.Close()
	}

	return nil, errAuthorities
}

// CloseIdleConnections is called by http.Client.
func (t *trust) CloseIdleConnections() {
	if now := t.current.Load(); now != nil && now.transport != nil {
		now.transport.CloseIdleConnections()
	}
}

func (t *trust) transport() *http.Transport {
	authorities := t.authorities()

	before := t.current.Load()
	if before != nil && before.authorities == authorities {
		return before.transport
	}

	next := &trusted{authorities: authorities}

	roots, err := rootsWith(authorities)
	if err == nil {
		next.transport = t.template.Clone()
		next.transport.TLSClientConfig = &tls.Config{
			RootCAs:              roots,
			GetClientCertificate: t.certificate,
			MinVersion:           tls.VersionTLS12,
		}
	}

	if !t.current.CompareAndSwap(before, next) {
		return t.transport() // another request has replaced it
	}

	if before != nil && before.transport != nil {
		before.transport.CloseIdleConnections()
	}

	return next.transport
}

// rootsWith returns the certificate authorities of the system and the given ones. Without given ones it returns nil, which
// stands for the system's.
func rootsWith(authorities string) (*x509.CertPool, error) {
	if authorities == "" {
		return nil, nil
	}

	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the certificate authorities of the system: %w", err)
	}

	if !roots.AppendCertsFromPEM([]byte(authorities)) {
		return nil, errAuthorities
	}

	return roots, nil
}

// CheckAuthorities returns an error if certificate authorities, in PEM, cannot be read. Empty ones are those of the system.
func CheckAuthorities(authorities string) error {
	_, err := rootsWith(authorities)

	return err
}
