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

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// mutualTLS proves who the receiver is, and who delivers, by the certificates among the secrets. They are looked up for
// each connection, so that they can change while it runs.
//
// Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started#mtls-for-webhooks
type mutualTLS struct {
	live *config.Live
	now  func() time.Time
	log  *slog.Logger

	mu      sync.Mutex
	latest  material  // that was last tried
	inForce *identity // made of the last that could be used; nil before there is one
	problem string    // of latest
}

// material is PEM, as the secrets have it.
type material struct{ certificate, key, clientCA string }

// identity is what material is made into.
type identity struct {
	config    *tls.Config
	server    *x509.Certificate
	clientCAs []*x509.Certificate
}

// config is for a server. A handshake fails while a certificate is missing.
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

// current returns what is to be used now. Material that cannot be used leaves the one before in force; material that is
// missing does not, since its owner took it away.
func (m *mutualTLS) current() (*identity, error) {
	secrets := m.live.Current().Secrets

	given := material{secrets.ServerCertificate, secrets.ServerKey, secrets.ClientCA}
	if given.certificate == "" || given.key == "" || given.clientCA == "" {
		return nil, fmt.Errorf("mutual TLS needs the secrets %s, %s and %s, and not all are there", config.RoleServerCertificate, config.RoleServerKey, config.RoleClientCA)
	}

	m.mu.Lock()
	defer m.mu.Unlock()

	if given != m.latest {
		m.latest = given
		m.problem = ""

		next, err := newIdentity(given)
		if err != nil {
			m.problem = err.Error()
			m.log.Error("certificates of mutual TLS cannot be used, the ones before stay in force", "error", err)
		} else {
			m.inForce = next
			m.log.Info("certificates of mutual TLS in use", "expires", next.server.NotAfter)
		}
	}

	if m.inForce == nil {
		return nil, errors.New(m.problem)
	}

	return m.inForce, nil
}

// trouble says what a person has to mend; what is missing is told elsewhere.
func (m *mutualTLS) trouble() string {
	i, err := m.current()
	m.mu.Lock()
	defer m.mu.Unlock()

	if err != nil || m.problem != "" {
		return m.problem
	}

	over := func(c *x509.Certificate) bool { return m.now().After(c.NotAfter) }
	switch {
	case over(i.server):
		return fmt.Sprintf("%s expired on %s: Meta delivers nothing until it is renewed", config.RoleServerCertificate, i.server.NotAfter.Format(time.RFC3339))
	case !slices.ContainsFunc(i.clientCAs, func(c *x509.Certificate) bool { return !over(c) }):
		return config.RoleClientCA + " has expired: no delivery is taken until it is renewed"
	}

	return ""
}

// admits tells whether a request comes with a client certificate of that name by a CA that is trusted now: a connection
// may be older than the last change of the CA.
func (m *mutualTLS) admits(r *http.Request, commonName string) bool {
	i, err := m.current()
	if err != nil || r.TLS == nil {
		return false
	}

	return slices.ContainsFunc(r.TLS.VerifiedChains, func(chain []*x509.Certificate) bool {
		return chain[0].Subject.CommonName == commonName && slices.ContainsFunc(i.clientCAs, chain[len(chain)-1].Equal)
	})
}

// newIdentity asks for the client's certificate without demanding it, since GET /health has none. One that is given must
// be good, or the handshake fails. Sessions are not resumed, so that each connection is judged by the CA of its day.
func newIdentity(given material) (*identity, error) {
	pair, err := tls.X509KeyPair([]byte(given.certificate), []byte(given.key))
	if err != nil {
		return nil, fmt.Errorf("%s and %s are no certificate and its key in PEM: %w", config.RoleServerCertificate, config.RoleServerKey, err)
	}

	clientCAs, err := readCertificates(given.clientCA)
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

func readCertificates(text string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate

	rest := []byte(strings.TrimSpace(text))
	for len(rest) > 0 {
		block, after := pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("holds something else than certificates in PEM")
		}

		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d cannot be read: %w", len(all)+1, err)
		}

		all = append(all, certificate)
		rest = after
	}

	if len(all) == 0 {
		return nil, errors.New("holds no certificate")
	}

	return all, nil
}
