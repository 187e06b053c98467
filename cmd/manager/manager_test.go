// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/port"
)

// manager is a running manager process.
type manager struct {
	cmd             *exec.Cmd
	log             lockedBuffer
	metrics, probes string
	once            sync.Once
	ended           error
}

func (c *cluster) start(t *testing.T, args ...string) *manager {
	t.Helper()

	kubeconfig, err := c.user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}

	return c.startWith(t, kubeconfig, args...)
}

// startWith starts the manager with a kubeconfig.
func (c *cluster) startWith(t *testing.T, kubeconfig []byte, args ...string) *manager {
	t.Helper()

	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}

	m := &manager{metrics: port.Address(t), probes: port.Address(t)}
	m.cmd = exec.Command(c.binary, append(args, "--metrics-bind-address="+m.metrics, "--health-probe-bind-address="+m.probes)...)
	m.cmd.Env = append(os.Environ(), "KUBECONFIG="+file, "POD_NAMESPACE=home")

	m.cmd.Stderr = &m.log
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		_ = m.end()
		if t.Failed() {
			t.Logf("log of the manager:\n%s", m.log.String())
		}
	})

	return m
}

func (m *manager) end() error {
	m.once.Do(func() {
		_ = m.cmd.Process.Signal(syscall.SIGTERM)
		m.ended = m.cmd.Wait()
	})

	return m.ended
}

// wantReady waits until /readyz has the status and contains each of the parts.
func (m *manager) wantReady(t *testing.T, code int, parts ...string) {
	t.Helper()
	apiserver.Eventually(t, func() error {
		got := m.get(t, "http://"+m.probes+"/readyz", "")
		if got.code != code {
			return fmt.Errorf("GET /readyz = %d %s; want %d", got.code, got.body, code)
		}

		for _, part := range parts {
			if !strings.Contains(got.body, part) {
				return fmt.Errorf("GET /readyz = %q; want %q in it", got.body, part)
			}
		}

		return nil
	})
}

// response is a response of the manager's servers.
type response struct {
	code        int
	body        string
	certificate string // common name of the server certificate
}

// get sends requests until there is a response.
func (m *manager) get(t *testing.T, url, token string) (got response) {
	t.Helper()

	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	apiserver.Eventually(t, func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}

		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}

		resp, err := (&http.Client{Transport: transport, Timeout: 10 * time.Second}).Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()

		body, err := io.ReadAll(resp.Body)

		got = response{code: resp.StatusCode, body: string(body)}
		if resp.TLS != nil {
			got.certificate = resp.TLS.PeerCertificates[0].Subject.CommonName
		}

		return err
	})

	return got
}

// writeCertificate writes a new self-signed certificate with the common name, and its key.
func writeCertificate(t *testing.T, dir, name string) {
	t.Helper()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}

	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotAfter:     time.Now().Add(time.Hour),
	}

	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}

	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}

	for file, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: certificate},
		"tls.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()

	return l.b.String()
}
