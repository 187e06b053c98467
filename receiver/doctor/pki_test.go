// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// authority is a certificate authority: a root, or an intermediate with its issuer.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	return key
}

// issue returns the certificate of key, signed by the authority, or by itself if the authority is nil.
func (a *authority) issue(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}

	template.SerialNumber = serial
	parent := template
	signer := key

	if a != nil {
		parent = a.certificate
		signer = a.key
	}

	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}

	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}

	return certificate
}

// newAuthority returns an authority that a is the issuer of, or a root if a is nil.
func (a *authority) newAuthority(t *testing.T, name string) *authority {
	key := newKey(t)
	certificate := a.issue(t, &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(10 * 365 * 24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, key)

	return &authority{certificate: certificate, key: key}
}

// server returns a certificate for host that ends after lifetime, with the chain that a server presents after it.
func (a *authority) server(t *testing.T, host string, lifetime time.Duration, chain ...*authority) *tls.Certificate {
	key := newKey(t)
	leaf := a.issue(t, &x509.Certificate{
		Subject:     pkix.Name{CommonName: host},
		DNSNames:    []string{host},
		NotBefore:   time.Now().Add(-90 * 24 * time.Hour),
		NotAfter:    time.Now().Add(lifetime),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key)
	presented := [][]byte{leaf.Raw}

	for _, issuer := range chain {
		presented = append(presented, issuer.certificate.Raw)
	}

	return &tls.Certificate{Certificate: presented, PrivateKey: key}
}
