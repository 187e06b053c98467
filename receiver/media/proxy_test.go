// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// TestLinksThroughAProxy runs itself as a process with a proxy in its environment, which net/http reads once. The proxy is at
// a private address, as most are, and answers every request.
func TestLinksThroughAProxy(t *testing.T) {
	const inside = "TEST_INSIDE_A_PROXIED_PROCESS"
	if os.Getenv(inside) == "" {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			w.Write([]byte("\x89PNG\x0d\x0a\x1a\x0a" + r.URL.Host))
		}))
		defer proxy.Close()

		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLinksThroughAProxy$", "-test.v")

		child.Env = append(os.Environ(), inside+"=1", "HTTP_PROXY="+proxy.URL, "NO_PROXY=localhost,.svc")

		if output, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, output)
		}

		return
	}

	spool, bridge := newLinkSpool(t, func(http.ResponseWriter, *http.Request) {}, config.Media{MaxSpoolBytes: 1 << 20})

	for link, code := range map[string]string{
		"http://files.example.com/a.png":         "",       // the proxy resolves the name
		"http://10.0.0.1/a.png":                  CodeHost, // not even a proxy gets it
		"http://[::ffff:169.254.169.254]/a.png":  CodeHost, //
		"http://localhost:1/a.png":               CodeHost, // called directly
		"http://localhost.localdomain:1/a.png":   "",       // the proxy resolves the name
		bridge + "/a.png":                        CodeLink, // the bridge is called directly, and answers with an empty file
		"http://user:password@10.0.0.1:80/a.png": CodeHost, //
		"ftp://files.example.com/a.png":          CodeLink, //
	} {
		file, err := spool.FetchLink(t.Context(), "image", link)
		if err == nil {
			_ = file.Remove()
		}

		got := ""
		if err != nil {
			got = failure.Of(err).Code
		}

		if got != code {
			t.Errorf("%s: %v; want the code %q", link, err, code)
		}
	}
}
