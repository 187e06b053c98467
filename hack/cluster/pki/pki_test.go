// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/keyutil"
)

func TestIssue(t *testing.T) {
	authority, err := NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}

	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority.Cert)

	for name, test := range map[string]struct {
		hosts   []string
		usage   x509.ExtKeyUsage
		dnsName string
		valid   bool
	}{
		"client":            {nil, x509.ExtKeyUsageClientAuth, "", true},
		"client as server":  {nil, x509.ExtKeyUsageServerAuth, "", false},
		"server by name":    {[]string{"node", "10.213.0.2"}, x509.ExtKeyUsageServerAuth, "node", true},
		"server by address": {[]string{"node", "10.213.0.2"}, x509.ExtKeyUsageServerAuth, "10.213.0.2", true},
		"other name":        {[]string{"node"}, x509.ExtKeyUsageServerAuth, "other", false},
	} {
		t.Run(name, func(t *testing.T) {
			pair, err := authority.Issue("system:node:node", []string{"system:nodes"}, test.hosts...)
			if err != nil {
				t.Fatal(err)
			}

			loaded, err := tls.X509KeyPair(pair.Cert, pair.Key)
			if err != nil {
				t.Fatal(err)
			}

			_, err = loaded.Leaf.Verify(x509.VerifyOptions{
				Roots:     trusted,
				DNSName:   test.dnsName,
				KeyUsages: []x509.ExtKeyUsage{test.usage},
			})
			if (err == nil) != test.valid {
				t.Errorf("want valid %t: %v", test.valid, err)
			}

			if diff := cmp.Diff([]string{"system:nodes"}, loaded.Leaf.Subject.Organization); diff != "" || loaded.Leaf.Subject.CommonName != "system:node:node" {
				t.Error(loaded.Leaf.Subject, diff)
			}
		})
	}
}

// TestTokenKeys checks that the API server can parse the keys that sign and verify service account tokens.
func TestTokenKeys(t *testing.T) {
	authority, err := NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}

	pair, err := authority.Issue("tokens", nil)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := keyutil.ParsePrivateKeyPEM(pair.Key); err != nil {
		t.Error(err)
	}

	if keys, err := keyutil.ParsePublicKeysPEM(pair.Cert); err != nil || len(keys) != 1 {
		t.Error(keys, err)
	}
}

func TestKubeconfig(t *testing.T) {
	authority, err := NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}

	pair, err := authority.Issue("admin", []string{"system:masters"})
	if err != nil {
		t.Fatal(err)
	}

	text, err := authority.Kubeconfig("https://10.213.0.2:6443", pair)
	if err != nil {
		t.Fatal(err)
	}

	config, err := clientcmd.RESTConfigFromKubeConfig(text)
	if err != nil {
		t.Fatal(err)
	}

	if config.Host != "https://10.213.0.2:6443" || !bytes.Equal(config.CAData, authority.Cert) || !bytes.Equal(config.CertData, pair.Cert) {
		t.Errorf("%+v", config)
	}
}
