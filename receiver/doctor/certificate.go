// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"crypto/x509"
	"errors"
	"strings"
	"time"
)

const (
	// renewalWarning is the time before the end of a certificate from which it should have been renewed. Of a certificate
	// with a short lifetime it is a third of that.
	renewalWarning = 14 * 24 * time.Hour
	// maxNames limits the names of a certificate that a detail repeats.
	maxNames = 5
)

// diagnoseChain checks the certificates that a server presented for host, as a client checks them that trusts roots.
func diagnoseChain(presented []*x509.Certificate, host string, roots *x509.CertPool, now time.Time) finding {
	if len(presented) == 0 {
		return fail("give the Ingress or the load balancer a certificate", "the server presents no certificate")
	}

	leaf := presented[0]

	intermediates := x509.NewCertPool()
	for _, c := range presented[1:] {
		intermediates.AddCert(c)
	}

	_, err := leaf.Verify(x509.VerifyOptions{
		DNSName:       host,
		Roots:         roots,
		Intermediates: intermediates,
		CurrentTime:   now,
	})
	if err != nil {
		return diagnoseInvalid(err, presented, host, now)
	}

	left := leaf.NotAfter.Sub(now)
	lifetime := leaf.NotAfter.Sub(leaf.NotBefore)
	days := int(left.Hours() / 24)
	end := leaf.NotAfter.UTC().Format(time.DateOnly)

	if left < min(renewalWarning, lifetime/3) {
		return warn("renew it, and look at why that did not happen by itself: with cert-manager, kubectl describe certificate",
			"the certificate ends on %s, in %d days", end, days)
	}

	return ok("the certificate is valid until %s, %d days", end, days)
}

func diagnoseInvalid(err error, presented []*x509.Certificate, host string, now time.Time) finding {
	var (
		invalid   x509.CertificateInvalidError
		otherName x509.HostnameError
	)

	switch leaf := presented[0]; {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && now.Before(invalid.Cert.NotBefore):
		return fail("wait, or correct the clock of this machine",
			"the certificate is not valid before %s", invalid.Cert.NotBefore.UTC().Format(time.RFC3339))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fail("renew the certificate; Meta delivers nothing until then, and redelivers afterwards",
			"%s expired on %s", subject(invalid.Cert, leaf), invalid.Cert.NotAfter.UTC().Format(time.DateOnly))
	case errors.As(err, &otherName):
		return fail("issue a certificate with this name, or check ingress.tlsSecretName: many controllers present a certificate of "+
			"their own if the Secret is missing",
			"the certificate is for %s, not for %s", names(leaf), host)
	case len(presented) == 1 && isSelfSigned(leaf):
		return fail("use a certificate of a public authority, such as Let's Encrypt: Meta accepts no other",
			"the certificate is self-signed")
	case isSelfSigned(presented[len(presented)-1]):
		return fail("use a certificate of a public authority, such as Let's Encrypt: Meta accepts no other",
			"the certificate was issued by an authority that is not public")
	}

	return fail("present the whole chain: append the intermediate certificates to tls.crt, as in the file fullchain.pem of Let's "+
		"Encrypt. Browsers find a missing one by themselves, Meta does not",
		"the chain of the certificate is incomplete, or its authority is not public: the server presents %d of its certificates",
		len(presented))
}

// subject names a certificate of the chain of leaf.
func subject(c, leaf *x509.Certificate) string {
	if c.Equal(leaf) {
		return "the certificate"
	}

	return "an intermediate certificate"
}

func isSelfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// names returns the host names of a certificate.
func names(c *x509.Certificate) string {
	all := c.DNSNames
	if len(all) == 0 {
		return "no host name"
	}

	more := ""
	if len(all) > maxNames {
		more = " and others"
	}

	return strings.Join(all[:min(len(all), maxNames)], ", ") + more
}
