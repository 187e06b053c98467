// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
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
	"go.uber.org/goleak"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/metrics"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tlsEdge is an edge served over TLS as the receiver serves it, with its secrets in files.
type tlsEdge struct {
	t    *testing.T
	edge *Edge
	live *config.Live
	dir  string
	url  string
	log  *logBuffer
}

func newTLSEdge(t *testing.T, secrets map[string]string) *tlsEdge {
	e := &tlsEdge{
		t:   t,
		dir: t.TempDir(),
		log: &logBuffer{},
	}
	for role, value := range map[string]string{config.RoleAppSecret: "old", config.RoleVerifyToken: "token"} {
		e.secret(role, value)
	}

	for role, value := range secrets {
		e.secret(role, value)
	}

	e.configure("")

	// The clock stands still, so that the number of log lines does not depend on the speed of the test.
	clock := clockwork.NewFakeClockAt(time.Now())
	log := slog.New(slog.NewTextHandler(e.log, nil))

	var err error
	if e.live, err = config.Open(filepath.Join(e.dir, "receiver.yaml"), clock, log); err != nil {
		t.Fatal(err)
	}

	e.edge = New(Dependencies{
		Inbox:   &inbox{},
		Live:    e.live,
		Metrics: metrics.New(clock),
		Tracer:  &tracing.Tracer{},
		Clock:   clock,
		Log:     log,
		Version: "v1",
		Media:   http.NotFoundHandler(),
	})

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	e.url = "https://" + listener.Addr().String()
	server := &http.Server{Handler: e.edge, ErrorLog: e.edge.ErrorLog()}

	ended := make(chan struct{})

	go func() {
		defer close(ended)

		_ = server.Serve(e.edge.Secure(listener))
	}()

	t.Cleanup(func() {
		_ = server.Close()

		<-ended
	})

	return e
}

// configure writes the configuration file; an empty commonName means the default.
func (e *tlsEdge) configure(commonName string) {
	e.t.Helper()

	text := fmt.Sprintf("secretsDir: %s\nbird: {baseURL: http://127.0.0.1}\nwebhook: {mutualTLS: {commonName: %q}}\n",
		filepath.Join(e.dir, "secrets"), commonName)
	if err := os.WriteFile(filepath.Join(e.dir, "receiver.yaml"), []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

// secret writes a secret, which an empty value removes, and reloads.
func (e *tlsEdge) secret(role, value string) {
	e.t.Helper()

	dir := filepath.Join(e.dir, "secrets", role)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		e.t.Fatal(err)
	}

	if err := os.WriteFile(filepath.Join(dir, "0"), []byte(value), 0o600); err != nil {
		e.t.Fatal(err)
	}

	if e.live != nil {
		e.live.Reload()
		e.live.Reload() // a secret counts as missing at the second reload only
	}
}

// client returns a client that trusts the CA of the server and presents the certificate unless it is nil.
func (e *tlsEdge) client(serverCA, certificate *signer) *http.Client {
	trusted := x509.NewCertPool()
	trusted.AddCert(serverCA.certificate)

	settings := &tls.Config{RootCAs: trusted}
	if certificate != nil {
		pair := tls.Certificate{Certificate: certificate.chain, PrivateKey: certificate.key}
		settings.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}

	client := &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{TLSClientConfig: settings}}
	e.t.Cleanup(client.CloseIdleConnections)

	return client
}

// deliver sends a signed delivery and returns the status of the answer, or 0 if the connection failed.
func (e *tlsEdge) deliver(client *http.Client) int {
	e.t.Helper()

	const body = `{"object":"whatsapp_business_account","entry":[]}`

	return e.call(client, http.MethodPost, "/webhooks/whatsapp", body)
}

func (e *tlsEdge) call(client *http.Client, method, path, body string) int {
	e.t.Helper()

	request, err := http.NewRequestWithContext(e.t.Context(), method, e.url+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
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

// logBuffer collects log lines. It is safe for concurrent use.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.text.Write(line)
}

func (b *logBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()

	return strings.Count(b.text.String(), text)
}
