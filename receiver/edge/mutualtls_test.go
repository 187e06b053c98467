// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

const metaName = "client.webhooks.fbclientcerts.com"

func TestMutualTLS(t *testing.T) {
	serverCA := selfSigned.issue(t, "server CA", asCA)
	metaCA := selfSigned.issue(t, "Meta CA", asCA)
	otherCA := selfSigned.issue(t, "another CA", asCA)
	intermediate := metaCA.issue(t, "Meta intermediate", asCA)
	server := serverCA.issue(t, "hooks", asServer)
	alone := *intermediate.issue(t, metaName, asClient)
	alone.chain = alone.chain[:1]
	e := newTLSEdge(t, map[string]string{
		config.RoleServerCertificate: server.pem(),
		config.RoleServerKey:         server.keyPEM(t),
		config.RoleClientCA:          olderCA(t) + metaCA.pem(),
	})

	const handshake = "/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=token&hub.challenge=1"
	for name, tc := range map[string]struct {
		certificate             *signer
		post, handshake, health int
	}{
		"by the CA":             {metaCA.issue(t, metaName, asClient), 200, 200, 200},
		"by an intermediate":    {intermediate.issue(t, metaName, asClient), 200, 200, 200},
		"intermediate not sent": {&alone, 0, 0, 0},
		"absent":                {nil, 403, 403, 200},
		"another name":          {metaCA.issue(t, "client.example.com", asClient), 403, 403, 200},
		"name as a suffix":      {metaCA.issue(t, "x"+metaName, asClient), 403, 403, 200},
		"name as an alternative": {metaCA.issue(t, "x", func(c *x509.Certificate) {
			asClient(c)
			c.DNSNames = []string{metaName}
		}), 403, 403, 200},
		"another CA":   {otherCA.issue(t, metaName, asClient), 0, 0, 0},
		"self-signed":  {selfSigned.issue(t, metaName, asClient), 0, 0, 0},
		"for a server": {metaCA.issue(t, metaName, asServer), 0, 0, 0},
		"expired": {metaCA.issue(t, metaName, func(c *x509.Certificate) {
			asClient(c)
			c.NotAfter = time.Now().Add(-time.Minute)
		}), 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			client := e.client(serverCA, tc.certificate)
			if got := e.deliver(client); got != tc.post {
				t.Errorf("delivery answered %d, want %d", got, tc.post)
			}

			if got := e.call(client, http.MethodGet, handshake, ""); got != tc.handshake {
				t.Errorf("handshake answered %d, want %d", got, tc.handshake)
			}

			if got := e.call(client, http.MethodGet, "/health", ""); got != tc.health {
				t.Errorf("GET /health answered %d, want %d", got, tc.health)
			}
		})
	}

	old := e.client(serverCA, metaCA.issue(t, metaName, asClient))

	old.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS11
	if got := e.deliver(old); got != 0 {
		t.Errorf("a delivery by TLS 1.1 was answered %d", got)
	}

	if got := e.edge.Problems(); len(got) > 0 {
		t.Errorf("problems %v", got)
	}
}

// olderCA is a CA that precedes the current one in the secret, as during a rotation.
func olderCA(t *testing.T) string {
	return "\n" + selfSigned.issue(t, "an older CA", asCA).pem() + "\n"
}

func TestMutualTLSRotation(t *testing.T) {
	serverCA := selfSigned.issue(t, "server CA", asCA)
	newServerCA := selfSigned.issue(t, "new server CA", asCA)
	metaCA := selfSigned.issue(t, "Meta CA", asCA)
	newMetaCA := selfSigned.issue(t, "new Meta CA", asCA)
	server := serverCA.issue(t, "hooks", asServer)
	newServer := newServerCA.issue(t, "hooks", asServer)
	e := newTLSEdge(t, map[string]string{
		config.RoleServerCertificate: server.pem(),
		config.RoleServerKey:         server.keyPEM(t),
		config.RoleClientCA:          metaCA.pem(),
	})
	meta := e.client(serverCA, metaCA.issue(t, metaName, asClient))
	delivered := func(when string, client *http.Client, want int) {
		t.Helper()

		if got := e.deliver(client); got != want {
			t.Errorf("%s: delivery answered %d, want %d", when, got, want)
		}
	}
	problem := func(when, want string) {
		t.Helper()

		got := e.edge.Problems()["mutual TLS"]
		if !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: problem %q, want %q", when, got, want)
		}
	}

	delivered("at first", meta, 200)

	e.secret(config.RoleServerCertificate, newServer.pem())
	problem("certificate without its key", "server-certificate and server-key are not a certificate and its key in PEM")
	delivered("on an old connection", meta, 200)
	delivered("with the previous certificate", e.client(serverCA, metaCA.issue(t, metaName, asClient)), 200)
	e.secret(config.RoleServerKey, newServer.keyPEM(t))
	problem("certificate with its key", "")
	delivered("with the new certificate", e.client(newServerCA, metaCA.issue(t, metaName, asClient)), 200)
	delivered("by a client that trusts the old server CA", e.client(serverCA, metaCA.issue(t, metaName, asClient)), 0)

	for _, bad := range []string{"nonsense", metaCA.pem() + "nonsense", newServer.keyPEM(t), strings.Replace(metaCA.pem(), "MII", "AAA", 1)} {
		e.secret(config.RoleClientCA, bad)
		problem("a bad CA", "client-ca")
		delivered("with a bad CA", e.client(newServerCA, metaCA.issue(t, metaName, asClient)), 200)
	}

	e.secret(config.RoleClientCA, newMetaCA.pem())
	problem("a good CA", "")
	delivered("by the old CA, on an old connection", meta, 403)
	delivered("by the old CA", e.client(newServerCA, metaCA.issue(t, metaName, asClient)), 0)
	delivered("by the new CA", e.client(newServerCA, newMetaCA.issue(t, metaName, asClient)), 200)

	e.configure("another.example.com")
	e.live.Reload()
	delivered("by the old name", e.client(newServerCA, newMetaCA.issue(t, metaName, asClient)), 403)
	delivered("by the new name", e.client(newServerCA, newMetaCA.issue(t, "another.example.com", asClient)), 200)

	expired := newServerCA.issue(t, "hooks", func(c *x509.Certificate) { asServer(c); c.NotAfter = time.Now().Add(-time.Minute) })
	e.secret(config.RoleServerCertificate, expired.pem())
	e.secret(config.RoleServerKey, expired.keyPEM(t))
	problem("an expired certificate", "server-certificate expired on")
	e.secret(config.RoleServerCertificate, newServer.pem())
	e.secret(config.RoleServerKey, newServer.keyPEM(t))
	e.secret(config.RoleClientCA, selfSigned.issue(t, "Meta CA", func(c *x509.Certificate) { asCA(c); c.NotAfter = time.Now().Add(-time.Minute) }).pem())
	problem("an expired CA", "client-ca has expired")

	for _, secret := range []string{"PRIVATE", "BEGIN"} {
		if e.log.count(secret) > 0 {
			t.Errorf("the log contains %s", secret)
		}
	}
}

func TestMutualTLSMissingSecrets(t *testing.T) {
	serverCA := selfSigned.issue(t, "server CA", asCA)
	metaCA := selfSigned.issue(t, "Meta CA", asCA)
	server := serverCA.issue(t, "hooks", asServer)
	e := newTLSEdge(t, map[string]string{config.RoleServerCertificate: server.pem(), config.RoleClientCA: metaCA.pem()})

	meta := e.client(serverCA, metaCA.issue(t, metaName, asClient))
	for range 20 {
		if got := e.deliver(meta); got != 0 {
			t.Fatalf("delivery answered %d without a key", got)
		}
	}

	if got := e.log.count("mutual TLS needs the secrets server-certificate, server-key and client-ca, and at least one of them is missing"); got == 0 || got > 6 {
		t.Errorf("%d lines name the reason, want some but fewer than one per connection", got)
	}

	if got := e.edge.Problems(); len(got) > 0 {
		t.Errorf("problems %v, want none: missing secrets are reported elsewhere", got)
	}

	e.secret(config.RoleServerKey, "nonsense")

	if got := e.deliver(meta); got != 0 || len(e.edge.Problems()) != 1 {
		t.Errorf("delivery answered %d with problems %v, want none and one", got, e.edge.Problems())
	}

	e.secret(config.RoleServerKey, server.keyPEM(t))

	if got := e.deliver(meta); got != 200 {
		t.Errorf("delivery answered %d with the key, want 200", got)
	}

	e.secret(config.RoleClientCA, "")

	if got := e.deliver(e.client(serverCA, metaCA.issue(t, metaName, asClient))); got != 0 {
		t.Errorf("delivery answered %d without a client CA, want none", got)
	}
}

// The server negotiates HTTP/1.1 over TLS 1.2 or 1.3 and nothing else.
func TestMutualTLSProtocols(t *testing.T) {
	ca := selfSigned.issue(t, "CA", asCA)
	server := ca.issue(t, "hooks", asServer)
	e := newTLSEdge(t, map[string]string{
		config.RoleServerCertificate: server.pem(),
		config.RoleServerKey:         server.keyPEM(t),
		config.RoleClientCA:          ca.pem(),
	})
	trusted := x509.NewCertPool()
	trusted.AddCert(ca.certificate)

	for name, tc := range map[string]struct {
		versions [2]uint16
		offer    []string
		succeeds bool
	}{
		"TLS 1.3":             {[2]uint16{tls.VersionTLS13, tls.VersionTLS13}, []string{"http/1.1"}, true},
		"TLS 1.2":             {[2]uint16{tls.VersionTLS12, tls.VersionTLS12}, []string{"http/1.1"}, true},
		"TLS 1.1":             {[2]uint16{tls.VersionTLS10, tls.VersionTLS11}, []string{"http/1.1"}, false},
		"HTTP/2 preferred":    {[2]uint16{tls.VersionTLS12, tls.VersionTLS13}, []string{"h2", "http/1.1"}, true},
		"HTTP/2 only":         {[2]uint16{tls.VersionTLS12, tls.VersionTLS13}, []string{"h2"}, false},
		"no protocol offered": {[2]uint16{tls.VersionTLS12, tls.VersionTLS13}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			dialer := tls.Dialer{Config: &tls.Config{
				RootCAs:    trusted,
				MinVersion: tc.versions[0],
				MaxVersion: tc.versions[1],
				NextProtos: tc.offer,
			}}

			c, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(e.url, "https://"))
			if (err == nil) != tc.succeeds {
				t.Fatalf("handshake error %v, want success: %t", err, tc.succeeds)
			}

			if err != nil {
				return
			}

			defer c.Close()

			if got := c.(*tls.Conn).ConnectionState().NegotiatedProtocol; got == "h2" {
				t.Errorf("negotiated %q", got)
			}
		})
	}
}
