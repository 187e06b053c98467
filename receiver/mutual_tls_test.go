// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestMutualTLSIsServed(t *testing.T) {
	// The receiver serves with this certificate and key. No client has a certificate.
	lender := httptest.NewTLSServer(http.NotFoundHandler())
	lender.Close()
	pair := lender.TLS.Certificates[0]

	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}

	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))
	h := newHarness(t, func(c *config.Config) { c.Webhook.MutualTLS = &config.MutualTLS{} })
	h.writeSecret(config.RoleServerCertificate, "0", certificate)
	h.writeSecret(config.RoleClientCA, "0", certificate)
	h.start()

	if code, body := h.adminPage("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "missing secrets: server-key") {
		t.Errorf("GET /readyz = %d %q, want 503 that names the key", code, body)
	}

	h.writeSecret(config.RoleServerKey, "0", "nonsense")
	h.waitFor("bad key reported", func() bool {
		return strings.Contains(h.status().Problems["mutual TLS"], "server-certificate and server-key are not a certificate and its key")
	})
	h.writeSecret(config.RoleServerKey, "0", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	h.waitFor("good key in use", func() bool { return len(h.status().Problems) == 0 })

	trusted := x509.NewCertPool()
	trusted.AddCert(lender.Certificate())

	client := &http.Client{Timeout: waitLimit, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	defer client.CloseIdleConnections()

	address := "https://" + h.Local.WebhookAddr()
	if status, _, err := standin.Deliver(t.Context(), client, address+"/webhooks/whatsapp", folder.AppSecret, textDelivery("573001234567", standin.Wamid("1"), "hello")); err != nil || status != http.StatusForbidden {
		t.Errorf("delivery without a client certificate answered %d (%v), want 403", status, err)
	}

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/health", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}

	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()

	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), "healthy") {
		t.Errorf("GET /health = %d %q (%v), want 200", response.StatusCode, body, err)
	}
}
