// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"testing"
)

// A browser or a command reaches the console through a forwarded port. Pages of other sites in the same browser can reach
// it, too, and must get nothing from it.
func TestConsoleForOwnPagesAlone(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	const local = "localhost:9091"
	for name, tc := range map[string]struct {
		method, path string
		host         string
		header       map[string]string
		status       int
	}{
		"curl":                       {"POST", "/dead-letters/replay", local, nil, 200},
		"by number":                  {"POST", "/dead-letters/replay", "127.0.0.1:9091", nil, 200},
		"by the other number":        {"POST", "/dead-letters/replay", "[::1]:9091", nil, 200},
		"own page":                   {"POST", "/dead-letters/replay", local, map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://" + local}, 200},
		"own page, older browser":    {"POST", "/dead-letters/replay", local, map[string]string{"Origin": "http://" + local}, 200},
		"typed by the person":        {"GET", "/dead-letters", local, map[string]string{"Sec-Fetch-Site": "none"}, 200},
		"another site":               {"POST", "/dead-letters/replay", local, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		"another site, as a form":    {"POST", "/dead-letters/replay", local, map[string]string{"Sec-Fetch-Site": "cross-site", "Content-Type": "application/x-www-form-urlencoded"}, 403},
		"another port of this host":  {"POST", "/dead-letters/replay", local, map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"}, 403},
		"another port, older":        {"POST", "/dead-letters/replay", local, map[string]string{"Origin": "http://localhost:3000"}, 403},
		"an older browser":           {"POST", "/dead-letters/replay", local, map[string]string{"Origin": "https://evil.example"}, 403},
		"a sandboxed frame":          {"POST", "/dead-letters/replay", local, map[string]string{"Origin": "null"}, 403},
		"another site that discards": {"DELETE", "/dead-letters/00000000000000000000000000000000", local, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"a name that was rebound":    {"GET", "/dead-letters", "evil.example:9091", map[string]string{"Sec-Fetch-Site": "same-origin"}, 403},
		"a name of the loopback":     {"GET", "/dead-letters", "127.0.0.1.evil.example:9091", nil, 403},
		"a name like localhost":      {"GET", "/dead-letters", "localhost.evil.example", nil, 403},
		"an address of the pod":      {"GET", "/dead-letters", "10.1.2.3:9091", nil, 403},
		"any address":                {"GET", "/dead-letters", "0.0.0.0:9091", nil, 403},
		"another method":             {"PUT", "/dead-letters", local, nil, 405},
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), tc.method, "http://"+h.Local.ConsoleAddr()+tc.path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}

			request.Host = tc.host
			for key, value := range tc.header {
				request.Header.Set(key, value)
			}

			response, err := h.client.Do(request)
			if err != nil {
				t.Fatal(err)
			}

			response.Body.Close()

			if response.StatusCode != tc.status {
				t.Errorf("answered %d, want %d", response.StatusCode, tc.status)
			}

			for key, want := range map[string]string{
				"X-Content-Type-Options":       "nosniff",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Access-Control-Allow-Origin":  "",
			} {
				if got := response.Header.Get(key); got != want {
					t.Errorf("%s: %q, want %q", key, got, want)
				}
			}
		})
	}

	for _, path := range []string{"/dead-letters", "/dead-letters/replay", "/debug/pprof/", "/"} {
		if code, _ := h.adminPage(path); code != http.StatusNotFound {
			t.Errorf("the admin port answers %s with %d, want 404", path, code)
		}
	}
}
