// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const metaName = "client.webhooks.fbclientcerts.com"

// signer is a certificate with its key, and those that signed it up to the root, itself first.

type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	chain       [][]byte
}

// issue signs a certificate by s, or by itself where s is nil.

func (s *signer) issue(t *testing.T, name string, adjust func(*x509.Certificate)) *signer {
	t.Helper()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}

	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
	}
	adjust(template)
	parent := template

	by := key
	if s != nil {
		parent = s.certificate
		by = s.key
	}

	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}

	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}

	made := &signer{
		certificate: certificate,
		key:         key,
		chain:       [][]byte{der},
	}
	if s != nil {
		made.chain = append(made.chain, s.chain...)
	}

	return made
}

func asCA(c *x509.Certificate) {
	c.IsCA = true
	c.KeyUsage = x509.KeyUsageCertSign
}

func asClient(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }

func asServer(c *x509.Certificate) {
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
}

func (s *signer) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.chain[0]}))
}

func (s *signer) keyPEM(t *testing.T) string {
	t.Helper()

	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}

	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// port is an edge served as the receiver serves it, with secrets in files.

// secret writes a secret, or takes an empty one away, and has it read.

// client trusts the server's CA, and presents a certificate where there is one.

// deliver returns the status of a signed delivery; 0: there was no connection.

// journal is a log that can be read while it is written.

func TestMutualTLS(t *testing.T) {
	var nobody *signer

	serverCA := nobody.issue(t, "server CA", asCA)
	metaCA := nobody.issue(t, "Meta CA", asCA)
	strangerCA := nobody.issue(t, "stranger", asCA)
	intermediate := metaCA.issue(t, "Meta intermediate", asCA)
	server := serverCA.issue(t, "hooks", asServer)
	alone := *intermediate.issue(t, metaName, asClient)
	alone.chain = alone.chain[:1]
	p := newPort(t, map[string]string{
		config.RoleServerCertificate: server.pem(),
		config.RoleServerKey:         server.keyPEM(t),
		config.RoleClientCA:          strangersFirst(t) + metaCA.pem(),
	})

	const handshake = "/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=token&hub.challenge=1"
	for name, tc := range map[string]struct {
		certificate             *signer
		post, handshake, health int
	}{
		"Meta's":                    {metaCA.issue(t, metaName, asClient), 200, 200, 200},
		"Meta's by an intermediate": {intermediate.issue(t, metaName, asClient), 200, 200, 200},
		"intermediate not sent":     {&alone, 0, 0, 0},
		"none":                      {nil, 403, 403, 200},
		"another name":              {metaCA.issue(t, "client.example.com", asClient), 403, 403, 200},
		"name as a suffix":          {metaCA.issue(t, "x"+metaName, asClient), 403, 403, 200},
		"name as an alternative": {metaCA.issue(t, "x", func(c *x509.Certificate) {
			asClient(c)
			c.DNSNames = []string{metaName}
		}), 403, 403, 200},
		"another CA":   {strangerCA.issue(t, metaName, asClient), 0, 0, 0},
		"by itself":    {nobody.issue(t, metaName, asClient), 0, 0, 0},
		"for a server": {metaCA.issue(t, metaName, asServer), 0, 0, 0},
		"expired": {metaCA.issue(t, metaName, func(c *x509.Certificate) {
			asClient(c)
			c.NotAfter = time.Now().Add(-time.Minute)
		}), 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			client := p.client(serverCA, tc.certificate)
			if got := p.deliver(client); got != tc.post {
				t.Errorf("delivery answered %d, want %d", got, tc.post)
			}

			if got := p.call(client, http.MethodGet, handshake, ""); got != tc.handshake {
				t.Errorf("handshake answered %d, want %d", got, tc.handshake)
			}

			if got := p.call(client, http.MethodGet, "/health", ""); got != tc.health {
				t.Errorf("GET /health answered %d, want %d", got, tc.health)
			}
		})
	}

	old := p.client(serverCA, metaCA.issue(t, metaName, asClient))

	old.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS11
	if got := p.deliver(old); got != 0 {
		t.Errorf("a delivery by TLS 1.1 was answered %d", got)
	}

	if got := p.edge.Problems(); len(got) > 0 {
		t.Errorf("problems %v", got)
	}
}

// strangersFirst is a CA before the one that matters.

func strangersFirst(t *testing.T) string {
	var nobody *signer
	return "\n" + nobody.issue(t, "an older CA", asCA).pem() + "\n"
}

func TestCertificatesRotate(t *testing.T) {
	var nobody *signer

	serverCA := nobody.issue(t, "server CA", asCA)
	newServerCA := nobody.issue(t, "new server CA", asCA)
	metaCA := nobody.issue(t, "Meta CA", asCA)
	newMetaCA := nobody.issue(t, "new Meta CA", asCA)
	server := serverCA.issue(t, "hooks", asServer)
	newServer := newServerCA.issue(t, "hooks", asServer)
	p := newPort(t, map[string]string{
		config.RoleServerCertificate: server.pem(),
		config.RoleServerKey:         server.keyPEM(t),
		config.RoleClientCA:          metaCA.pem(),
	})
	meta := p.client(serverCA, metaCA.issue(t, metaName, asClient))
	delivered := func(when string, client *http.Client, want int) {
		t.Helper()

		if got := p.deliver(client); got != want {
			t.Errorf("%s: delivery answered %d, want %d", when, got, want)
		}
	}
	problem := func(when, want string) {
		t.Helper()

		got := p.edge.Problems()["mutual TLS"]
		if !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: problem %q, want %q", when, got, want)
		}
	}

	delivered("at first", meta, 200)

	p.secret(config.RoleServerCertificate, newServer.pem())
	problem("certificate without its key", "server-certificate and server-key are no certificate and its key in PEM")
	delivered("on the connection from before", meta, 200)
	delivered("with the certificate from before", p.client(serverCA, metaCA.issue(t, metaName, asClient)), 200)
	p.secret(config.RoleServerKey, newServer.keyPEM(t))
	problem("certificate with its key", "")
	delivered("with the new certificate", p.client(newServerCA, metaCA.issue(t, metaName, asClient)), 200)
	delivered("who trusts the old certificate", p.client(serverCA, metaCA.issue(t, metaName, asClient)), 0)

	for _, bad := range []string{"nonsense", metaCA.pem() + "nonsense", newServer.keyPEM(t), strings.Replace(metaCA.pem(), "MII", "AAA", 1)} {
		p.secret(config.RoleClientCA, bad)
		problem("a bad CA", "client-ca")
		delivered("with a bad CA", p.client(newServerCA, metaCA.issue(t, metaName, asClient)), 200)
	}

	p.secret(config.RoleClientCA, newMetaCA.pem())
	problem("a good CA", "")
	delivered("by the old CA, on a connection from before", meta, 403)
	delivered("by the old CA", p.client(newServerCA, metaCA.issue(t, metaName, asClient)), 0)
	delivered("by the new CA", p.client(newServerCA, newMetaCA.issue(t, metaName, asClient)), 200)

	p.configure("another.example.com")
	p.live.Reload()
	delivered("by the old name", p.client(newServerCA, newMetaCA.issue(t, metaName, asClient)), 403)
	delivered("by the new name", p.client(newServerCA, newMetaCA.issue(t, "another.example.com", asClient)), 200)

	expired := newServerCA.issue(t, "hooks", func(c *x509.Certificate) { asServer(c); c.NotAfter = time.Now().Add(-time.Minute) })
	p.secret(config.RoleServerCertificate, expired.pem())
	p.secret(config.RoleServerKey, expired.keyPEM(t))
	problem("an expired certificate", "server-certificate expired on")
	p.secret(config.RoleServerCertificate, newServer.pem())
	p.secret(config.RoleServerKey, newServer.keyPEM(t))
	p.secret(config.RoleClientCA, nobody.issue(t, "Meta CA", func(c *x509.Certificate) { asCA(c); c.NotAfter = time.Now().Add(-time.Minute) }).pem())
	problem("an expired CA", "client-ca has expired")

	for _, secret := range []string{"PRIVATE", "BEGIN"} {
		if p.log.count(secret) > 0 {
			t.Errorf("the log tells %s", secret)
		}
	}
}

func TestCertificatesAreMissing(t *testing.T) {
	var nobody *signer

	serverCA := nobody.issue(t, "server CA", asCA)
	metaCA := nobody.issue(t, "Meta CA", asCA)
	server := serverCA.issue(t, "hooks", asServer)
	p := newPort(t, map[string]string{config.RoleServerCertificate: server.pem(), config.RoleClientCA: metaCA.pem()})

	meta := p.client(serverCA, metaCA.issue(t, metaName, asClient))
	for range 20 {
		if got := p.deliver(meta); got != 0 {
			t.Fatalf("delivery answered %d without a key", got)
		}
	}

	if got := p.log.count("mutual TLS needs the secrets server-certificate, server-key and client-ca, and not all are there"); got == 0 || got > 6 {
		t.Errorf("%d lines tell why, want some but not one for each connection", got)
	}

	if got := p.edge.Problems(); len(got) > 0 {
		t.Errorf("problems %v, want what is missing told as missing only", got)
	}

	p.secret(config.RoleServerKey, "nonsense")

	if got := p.deliver(meta); got != 0 || len(p.edge.Problems()) != 1 {
		t.Errorf("delivery answered %d with problems %v, want none and one", got, p.edge.Problems())
	}

	p.secret(config.RoleServerKey, server.keyPEM(t))

	if got := p.deliver(meta); got != 200 {
		t.Errorf("delivery answered %d with the key, want 200", got)
	}

	p.secret(config.RoleClientCA, "")

	if got := p.deliver(p.client(serverCA, metaCA.issue(t, metaName, asClient))); got != 0 {
		t.Errorf("delivery answered %d without a client CA, want none", got)
	}
}
