// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// Nothing but HTTP/1.1 over TLS 1.2 or 1.3 is agreed upon with a client.
func TestProtocols(t *testing.T) {
	var nobody *signer

	ca := nobody.issue(t, "CA", asCA)
	server := ca.issue(t, "hooks", asServer)
	p := newPort(t, map[string]string{
		config.RoleServerCertificate: server.pem(),
		config.RoleServerKey:         server.keyPEM(t),
		config.RoleClientCA:          ca.pem(),
	})
	trusted := x509.NewCertPool()
	trusted.AddCert(ca.certificate)

	for name, tc := range map[string]struct {
		versions [2]uint16
		offer    []string
		agreed   bool
	}{
		"TLS 1.3":              {[2]uint16{tls.VersionTLS13, tls.VersionTLS13}, []string{"http/1.1"}, true},
		"TLS 1.2":              {[2]uint16{tls.VersionTLS12, tls.VersionTLS12}, []string{"http/1.1"}, true},
		"TLS 1.1":              {[2]uint16{tls.VersionTLS10, tls.VersionTLS11}, []string{"http/1.1"}, false},
		"HTTP/2 if it may be":  {[2]uint16{tls.VersionTLS12, tls.VersionTLS13}, []string{"h2", "http/1.1"}, true},
		"HTTP/2 and no other":  {[2]uint16{tls.VersionTLS12, tls.VersionTLS13}, []string{"h2"}, false},
		"no protocol is asked": {[2]uint16{tls.VersionTLS12, tls.VersionTLS13}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			dialer := tls.Dialer{Config: &tls.Config{
				RootCAs:    trusted,
				MinVersion: tc.versions[0],
				MaxVersion: tc.versions[1],
				NextProtos: tc.offer,
			}}

			c, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "https://"))
			if (err == nil) != tc.agreed {
				t.Fatalf("agreed: %v, want %t", err, tc.agreed)
			}

			if err != nil {
				return
			}

			defer c.Close()

			if got := c.(*tls.Conn).ConnectionState().NegotiatedProtocol; got == "h2" {
				t.Errorf("agreed on %q", got)
			}
		})
	}
}
