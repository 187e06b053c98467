// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

type port struct {
	t    *testing.T
	edge *Edge
	live *config.Live
	dir  string
	url  string
	log  *journal
}

func newPort(t *testing.T, secrets map[string]string) *port {
	p := &port{
		t:   t,
		dir: t.TempDir(),
		log: &journal{},
	}
	for role, value := range map[string]string{config.RoleAppSecret: "old", config.RoleVerifyToken: "token"} {
		p.secret(role, value)
	}

	for role, value := range secrets {
		p.secret(role, value)
	}

	p.configure("")
	log := slog.New(slog.NewTextHandler(p.log, nil))

	var err error
	if p.live, err = config.Open(filepath.Join(p.dir, "receiver.yaml"), clockwork.NewRealClock(), log); err != nil {
		t.Fatal(err)
	}

	p.edge = New(Parts{
		Inbox:   &inbox{},
		Wake:    func(...store.Class) {},
		Live:    p.live,
		Metrics: metrics.New(),
		Tracer:  &tracing.Tracer{},
		Now:     time.Now,
		Log:     log,
		Version: "v1",
	})

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	p.url = "https://" + listener.Addr().String()
	server := &http.Server{Handler: p.edge, ErrorLog: p.edge.ErrorLog()}

	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(p.edge.Secure(listener)) }()

	t.Cleanup(func() { _ = server.Close(); <-ended })

	return p
}

func (p *port) configure(commonName string) {
	p.t.Helper()

	text := "secretsDir: " + filepath.Join(p.dir, "secrets") + "\nbird: {baseURL: http://127.0.0.1}\nwebhook: {mutualTLS: {commonName: \"" + commonName + "\"}}\n"
	if err := os.WriteFile(filepath.Join(p.dir, "receiver.yaml"), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *port) secret(role, value string) {
	p.t.Helper()

	dir := filepath.Join(p.dir, "secrets", role)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		p.t.Fatal(err)
	}

	if err := os.WriteFile(filepath.Join(dir, "0"), []byte(value), 0o600); err != nil {
		p.t.Fatal(err)
	}

	if p.live != nil {
		p.live.Reload()
		p.live.Reload() // what is missing must be missing twice
	}
}

func (p *port) client(serverCA, certificate *signer) *http.Client {
	trusted := x509.NewCertPool()
	trusted.AddCert(serverCA.certificate)

	settings := &tls.Config{RootCAs: trusted}
	if certificate != nil {
		pair := tls.Certificate{Certificate: certificate.chain, PrivateKey: certificate.key}
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}

	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: settings}}
	p.t.Cleanup(client.CloseIdleConnections)

	return client
}

func (p *port) deliver(client *http.Client) int {
	p.t.Helper()

	const body = `{"object":"whatsapp_business_account","entry":[]}`

	return p.call(client, http.MethodPost, "/webhooks/whatsapp", body)
}

func (p *port) call(client *http.Client, method, path, body string) int {
	p.t.Helper()

	request, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}

	request.Header.Set("X-Hub-Signature-256", sign("old", body))

	response, err := client.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()

	_, _ = io.Copy(io.Discard, response.Body)

	return response.StatusCode
}

type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()

	return j.text.Write(line)
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()

	return strings.Count(j.text.String(), text)
}
