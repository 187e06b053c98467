// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
)

func certify(t *testing.T) (ca string, certificate, key []byte) {
	t.Helper()

	issue := func(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}

		if parent == nil {
			parent = template
			signer = key
		}

		template.NotBefore = time.Now().Add(-time.Hour)
		template.NotAfter = time.Now().Add(time.Hour)

		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}

		made, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}

		return made, key
	}
	root, rootKey := issue(&x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "ca"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, nil, nil)
	leaf, leafKey := issue(&x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "localhost"},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(192, 0, 2, 1)},
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}, root, rootKey)

	der, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}

	encode := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }

	return string(encode("CERTIFICATE", root.Raw)), encode("CERTIFICATE", leaf.Raw), encode("PRIVATE KEY", der)
}

func TestTLS(t *testing.T) {
	ca, certificate, key := certify(t)
	otherCA, _, _ := certify(t)
	own := pgtest.New(t, pgtest.Options{Certificate: certificate, Key: key})

	user, err := own.NewUser()
	if err != nil {
		t.Fatal(err)
	}

	byIP := user.URL // not a name in the certificate
	byName := strings.Replace(byIP, "127.0.0.1", "localhost", 1)

	const untrusted, elsewhere = "not signed by a trusted CA", "does not match the host"
	for _, c := range []struct {
		name   string
		access Access
		want   string // text of the fault; empty if the store connects
		tls    bool
	}{
		{"a CA alone verifies in full", Access{URL: byName, CA: ca}, "", true},
		{"a CA alone verifies the host", Access{URL: byIP, CA: ca}, elsewhere, false},
		{"a CA alone verifies the issuer", Access{URL: byName, CA: otherCA}, untrusted, false},
		{"verify-full", Access{URL: byName + "?sslmode=verify-full", CA: ca}, "", true},
		{"verify-full needs the CA", Access{URL: byName + "?sslmode=verify-full"}, untrusted, false},
		{"verify-ca", Access{URL: byIP + "?sslmode=verify-ca", CA: ca}, "", true},
		{"verify-ca, another CA", Access{URL: byIP + "?sslmode=verify-ca", CA: otherCA}, untrusted, false},
		{"require, with a CA", Access{URL: byIP + "?sslmode=require", CA: ca}, "", true},
		{"require, with another CA", Access{URL: byIP + "?sslmode=require", CA: otherCA}, untrusted, false},
		{"require, without a CA", Access{URL: byIP + "?sslmode=require"}, "", true},
		{"disable", Access{URL: byName + "?sslmode=disable", CA: otherCA}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openStore(t, c.access)

			err := s.Ping(t.Context())
			if c.want != "" {
				wantFault(t, err, c.want, user.Name, user.Password, "localhost", "127.0.0.1")
				return
			}

			if err != nil {
				t.Fatal(err)
			}

			_, conn, err := s.acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Release()

			var tls bool
			if err := conn.QueryRow(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").Scan(&tls); err != nil {
				t.Fatal(err)
			}

			if tls != c.tls {
				t.Errorf("the connection has TLS: %v, want %v", tls, c.tls)
			}
		})
	}
}

// TestSSLMode checks which mode is in force for the server of a URL.
func TestSSLMode(t *testing.T) {
	for _, c := range []struct {
		access Access
		want   string
	}{
		{Access{URL: "postgres://u:p@db.example.com/inbox"}, "verify-full"},
		{Access{URL: "postgres://u:p@db.example.com:5432/inbox?connect_timeout=5"}, "verify-full"},
		{Access{URL: "postgres://u:p@10.0.0.5/inbox"}, "verify-full"},
		{Access{URL: "postgres://u:p@one:5432,two:5432/inbox"}, "verify-full"},
		{Access{URL: "postgres://u:p@localhost/inbox?host=db.example.com"}, "verify-full"},
		{Access{URL: "postgres://u:p@localhost/inbox"}, ""},
		{Access{URL: "postgres://u:p@127.0.0.1:5432/inbox"}, ""},
		{Access{URL: "postgres://u:p@[::1]/inbox"}, ""},
		{Access{URL: "postgres:///inbox?host=/var/run/postgresql"}, ""},
		{Access{URL: "postgres://u:p@db.example.com/inbox?sslmode=disable"}, "disable"},
		{Access{URL: "postgres://u:p@db.example.com/inbox?sslmode=require"}, "require"},
		{Access{URL: "postgres://u:p@db.example.com/inbox?sslmode=require", CA: "pem"}, "verify-ca"},
		{Access{URL: "postgres://u:p@localhost/inbox", CA: "pem"}, "verify-full"},
	} {
		_, query, _ := strings.Cut(withSSLMode(c.access), "?")

		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}

		if got := values.Get("sslmode"); got != c.want {
			t.Errorf("%s has the mode %q, want %q", c.access.URL, got, c.want)
		}
	}

	t.Setenv("PGSSLMODE", "prefer")

	if got := withSSLMode(Access{URL: "postgres://u:p@db.example.com/inbox"}); strings.Contains(got, "sslmode") {
		t.Errorf("%s, although the environment has a mode", got)
	}
}
