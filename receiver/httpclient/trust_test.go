// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// TestAuthorities calls a server with a certificate of an internal authority, which is configured, broken and removed
// between the calls.
func TestAuthorities(t *testing.T) {
	var protocol string

	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { protocol = r.Proto }))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)

	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))

	var authorities atomic.Value

	client := newTestClient(t, Options{Authorities: func() string { return authorities.Load().(string) }})

	for _, step := range []struct {
		name        string
		authorities string
		want        string // code of the failure
	}{
		{
			name: "none",
			want: CodeUntrusted,
		},
		{
			name:        "the server's",
			authorities: authority,
		},
		{
			name:        "no certificate",
			authorities: "-----BEGIN CERTIFICATE-----\nbroken",
			want:        CodeBadCA,
		},
		{
			name:        "a bundle",
			authorities: "# internal\n" + authority + authority,
		},
		{
			name: "none again",
			want: CodeUntrusted,
		},
	} {
		authorities.Store(step.authorities)

		_, fault := client.Do(t.Context(), Call{
			Op:      "ask",
			Method:  http.MethodPost,
			BaseURL: server.URL,
			Body:    []byte("{}"),
			Timeout: time.Minute,
		})

		switch {
		case step.want == "" && fault != nil:
			t.Errorf("%s: %v", step.name, fault)
		case step.want == "" && protocol != "HTTP/2.0":
			t.Errorf("%s: called over %s, want HTTP/2.0", step.name, protocol)
		case step.want != "" && (fault == nil || fault.Code != step.want || fault.Class != failure.Configuration):
			t.Errorf("%s: %v, want a configuration failure with the code %s", step.name, fault, step.want)
		case step.want != "" && !strings.Contains(fault.Text, "the server"):
			t.Errorf("%s: the text %q does not name the peer", step.name, fault.Text)
		}
	}
}
