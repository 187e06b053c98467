// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package httpclient

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestCallsThroughAProxy runs itself as a process with a proxy in its environment, which net/http reads once. The proxy
// answers with what it was asked for.
func TestCallsThroughAProxy(t *testing.T) {
	const inside = "TEST_INSIDE_A_PROXIED_PROCESS"
	if os.Getenv(inside) == "" {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodConnect {
				http.Error(w, "no tunnels", http.StatusForbidden)
				return
			}

			w.Write([]byte("by the proxy: " + r.URL.String()))
		}))
		defer proxy.Close()

		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCallsThroughAProxy$", "-test.v")

		child.Env = append(os.Environ(), inside+"=1", "HTTP_PROXY="+proxy.URL, "HTTPS_PROXY="+proxy.URL,
			"NO_PROXY=localhost,127.0.0.1,::1,.svc,.cluster.local,direct.invalid")

		if output, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, output)
		}

		return
	}

	direct := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("directly")) })

	for address, want := range map[string]string{
		"http://graph.example.com":             "by the proxy: http://graph.example.com/v1",
		"http://bridge.ai:8080":                "by the proxy: http://bridge.ai:8080/v1",
		"https://graph.example.com":            CodeNoConnection, // the proxy refuses the tunnel
		"http://direct.invalid":                CodeNoConnection,
		"http://bridge.ai.svc":                 CodeNoConnection,
		"http://bridge.ai.svc.cluster.local:1": CodeNoConnection,
		direct:                                 "directly",
	} {
		response, fault := newTestClient(t, Options{}).Do(t.Context(), Call{
			Method:     http.MethodGet,
			BaseURL:    address,
			Path:       []string{"v1"},
			Timeout:    time.Minute,
			MaxBody:    1 << 10,
			Idempotent: true,
		})

		got := ""
		if fault != nil {
			got = fault.Code
		} else {
			got = string(response.Body)
		}

		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q; want %q", address, got, want)
		}
	}
}
