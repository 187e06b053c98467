// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// mutualTLS authenticates the receiver and its clients by the certificates among the secrets. It reads the secrets for
// each connection, so that certificates can change at runtime.
//
// Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started#mtls-for-webhooks
type mutualTLS struct {
	live  *config.Live
	clock clockwork.Clock
	log   *slog.Logger

	mu        sync.Mutex
	latest    material  // the material that was parsed last
	latestErr error     // why latest is unusable
	active    *identity // made of the last usable material; nil before the first
}

// material is certificates and key in PEM, as the secrets hold them.
type material struct{ certificate, key, clientCA string }

// identity is parsed material.
type identity struct {
	config    *tls.Config
	server    *x509.Certificate
	clientCAs []*x509.Certificate
}

// config returns the configuration of a TLS server. Handshakes fail if a certificate is missing.
func (m *mutualTLS) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			i, err := m.current()
			if err != nil {
				return nil, err
			}

			return i.config, nil
		},
	}
}

// current returns the identity to use now. Unusable material leaves the previous identity active. Missing material does
// not, since an administrator removed it.
func (m *mutualTLS) current() (*identity, error) {
	secrets := m.live.Current().Secrets
	given := material{
		certificate: secrets.ServerCertificate,
		key:         secrets.ServerKey,
		clientCA:    secrets.ClientCA,
	}

	if given.certificate == "" || given.key == "" || given.clientCA == "" {
		return nil, fmt.Errorf("mutual TLS needs the secrets %s, %s and %s, and at least one of them is missing",
			config.RoleServerCertificate, config.RoleServerKey, config.RoleClientCA)
	}

	m.mu.Lock()
	defer m.mu.Unlock()

	if given != m.latest {
		m.replace(given)
	}

	if m.active == nil {
		return nil, m.latestErr
	}

	return m.active, nil
}

// replace activates new material if it is usable. The caller holds the lock.
func (m *mutualTLS) replace(given material) {
	next, err := newIdentity(given)
	m.latest = given
	m.latestErr = err

	if err != nil {
		m.log.Error("new certificates for mutual TLS are unusable, the previous ones stay active", "error", err)
		return
	}

	m.active = next
	m.log.Info("certificates for mutual TLS loaded", "expires", next.server.NotAfter)
}

// problem describes an unusable certificate. Missing secrets are reported elsewhere.
func (m *mutualTLS) problem() string {
	i, err := m.current()

	m.mu.Lock()
	defer m.mu.Unlock()

	if m.latestErr != nil {
		return m.latestErr.Error()
	}

	if err != nil {
		return ""
	}

	expired := func(c *x509.Certificate) bool { return m.clock.Now().After(c.NotAfter) }
	valid := func(c *x509.Certificate) bool { return !expired(c) }

	switch {
	case expired(i.server):
		return fmt.Sprintf("%s expired on %s: Meta delivers nothing until it is renewed",
			config.RoleServerCertificate, i.server.NotAfter.Format(time.RFC3339))
	case !slices.ContainsFunc(i.clientCAs, valid):
		return config.RoleClientCA + " has expired: all deliveries are refused until it is renewed"
	}

	return ""
}

// admits reports whether the request has a client certificate with that common name by a CA that is trusted now. The connection
// may predate the last change of the CA.
func (m *mutualTLS) admits(r *http.Request, commonName string) bool {
	i, err := m.current()
	if err != nil || r.TLS == nil {
		return false
	}

	return slices.ContainsFunc(r.TLS.VerifiedChains, func(chain []*x509.Certificate) bool {
		leaf := chain[0]
		root := chain[len(chain)-1]

		return leaf.Subject.CommonName == commonName && slices.ContainsFunc(i.clientCAs, root.Equal)
	})
}

// newIdentity parses material. Its configuration requests a client certificate without requiring it, since GET /health
// works without; a certificate that the client does present must verify. Sessions are not resumed, so that each
// connection is verified against the current CA.
func newIdentity(given material) (*identity, error) {
	pair, err := tls.X509KeyPair([]byte(given.certificate), []byte(given.key))
	if err != nil {
		return nil, fmt.Errorf("%s and %s are not a certificate and its key in PEM: %w",
			config.RoleServerCertificate, config.RoleServerKey, err)
	}

	clientCAs, err := parseCertificates(given.clientCA)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.RoleClientCA, err)
	}

	pool := x509.NewCertPool()
	for _, ca := range clientCAs {
		pool.AddCert(ca)
	}

	return &identity{
		server:    pair.Leaf,
		clientCAs: clientCAs,
		config: &tls.Config{
			MinVersion:             tls.VersionTLS12,
			Certificates:           []tls.Certificate{pair},
			ClientAuth:             tls.VerifyClientCertIfGiven,
			ClientCAs:              pool,
			NextProtos:             []string{"http/1.1"},
			SessionTicketsDisabled: true,
		},
	}, nil
}

func parseCertificates(text string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate

	rest := []byte(strings.TrimSpace(text))
	for len(rest) > 0 {
		block, after := pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("contains something other than PEM certificates")
		}

		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse certificate %d: %w", len(all)+1, err)
		}

		all = append(all, certificate)
		rest = after
	}

	if len(all) == 0 {
		return nil, errors.New("contains no certificate")
	}

	return all, nil
}

// CheckCertificates returns an error if the certificates and the key of mutual TLS cannot be used.
func CheckCertificates(secrets config.Secrets) error {
	_, err := newIdentity(material{
		certificate: secrets.ServerCertificate,
		key:         secrets.ServerKey,
		clientCA:    secrets.ClientCA,
	})

	return err
}
