// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// TestConsoleServesOnlyItsOwnPages checks that the console refuses pages of other sites. They can reach the console when
// a browser uses it through a forwarded port.
func TestConsoleServesOnlyItsOwnPages(t *testing.T) {
	h := newHarness(t, nil)
	log := &logBuffer{}
	h.log = log
	h.start()

	asked := 0

	const local = "localhost:9091"
	for name, tc := range map[string]struct {
		method string // defaults to POST
		path   string // defaults to /dead-letters/replay
		host   string // defaults to local
		header map[string]string
		status int
	}{
		"curl":                    {status: 200},
		"by IPv4 address":         {host: "127.0.0.1:9091", status: 200},
		"by IPv6 address":         {host: "[::1]:9091", status: 200},
		"own page":                {header: map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://" + local}, status: 200},
		"own page, older browser": {header: map[string]string{"Origin": "http://" + local}, status: 200},
		"typed into the address bar": {
			method: "GET",
			path:   "/dead-letters",
			header: map[string]string{"Sec-Fetch-Site": "none"},
			status: 200,
		},
		"cookies of others":           {header: map[string]string{"Cookie": "session=" + strings.Repeat("x", 30<<10)}, status: 200},
		"another site":                {header: map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, status: 403},
		"another site, as a form":     {header: map[string]string{"Sec-Fetch-Site": "cross-site", "Content-Type": "application/x-www-form-urlencoded"}, status: 403},
		"another port of this host":   {header: map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"}, status: 403},
		"another port, older browser": {header: map[string]string{"Origin": "http://localhost:3000"}, status: 403},
		"another site, older browser": {header: map[string]string{"Origin": "https://evil.example"}, status: 403},
		"a sandboxed frame":           {header: map[string]string{"Origin": "null"}, status: 403},
		"another site that discards": {
			method: "DELETE",
			path:   "/dead-letters/00000000000000000000000000000000",
			header: map[string]string{"Sec-Fetch-Site": "cross-site"},
			status: 403,
		},
		"a page, from another site": {
			path:   "/console/r/this/receiver/dead-letters/replay",
			header: map[string]string{"Sec-Fetch-Site": "cross-site", "Content-Type": "application/x-www-form-urlencoded"},
			status: 403,
		},
		"a page, by a rebound name": {
			method: "GET",
			path:   "/console/r/this/receiver/conversations",
			host:   "evil.example:9091",
			header: map[string]string{"Sec-Fetch-Site": "same-origin"},
			status: 403,
		},
		"the language, from another site": {
			path:   "/console/language",
			header: map[string]string{"Sec-Fetch-Site": "cross-site"},
			status: 403,
		},
		"a rebound name": {
			method: "GET",
			path:   "/dead-letters",
			host:   "evil.example:9091",
			header: map[string]string{"Sec-Fetch-Site": "same-origin"},
			status: 403,
		},
		"a name like the loopback address": {
			method: "GET",
			path:   "/dead-letters",
			host:   "127.0.0.1.evil.example:9091",
			status: 403,
		},
		"a name like localhost": {
			method: "GET",
			path:   "/dead-letters",
			host:   "localhost.evil.example",
			status: 403,
		},
		"an address of the pod": {
			method: "GET",
			path:   "/dead-letters",
			host:   "10.1.2.3:9091",
			status: 403,
		},
		"any address": {
			method: "GET",
			path:   "/dead-letters",
			host:   "0.0.0.0:9091",
			status: 403,
		},
		"the copy of the store, by an own page": {
			method: "GET",
			path:   "/v1/backup",
			header: map[string]string{"Sec-Fetch-Site": "same-origin"},
			status: 200,
		},
		"the copy of the store, from another site": {
			method: "GET",
			path:   "/v1/backup",
			header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"},
			status: 403,
		},
		"the copy of the store, without its body": {
			method: "HEAD",
			path:   "/v1/backup",
			header: map[string]string{"Sec-Fetch-Site": "cross-site"},
			status: 403,
		},
		"the copy of the store, by a link of another site": {
			method: "GET",
			path:   "/v1/backup",
			header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
			status: 403,
		},
		"the copy of the store, from another port of this host": {
			method: "GET",
			path:   "/v1/backup",
			header: map[string]string{"Sec-Fetch-Site": "same-site"},
			status: 403,
		},
		"personal data, from another site": {
			method: "GET",
			path:   "/v1/events?reveal=true",
			header: map[string]string{"Sec-Fetch-Site": "cross-site"},
			status: 403,
		},
		"conversations without the prefix, from another site": {
			method: "GET",
			path:   "/conversations",
			header: map[string]string{"Sec-Fetch-Site": "cross-site"},
			status: 403,
		},
		"questions, from another site": {
			method: "GET",
			path:   "/v1/questions?reveal=true",
			header: map[string]string{"Sec-Fetch-Site": "cross-site"},
			status: 403,
		},
		"an export, from another site": {
			method: "GET",
			path:   "/v1/conversations/abc/export",
			header: map[string]string{"Sec-Fetch-Site": "cross-site"},
			status: 403,
		},
		"a page, by a link of another site": {
			method: "GET",
			path:   "/console/r/this/receiver/events",
			header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
			status: 200,
		},
		"a page with personal data, by a link of another site": {
			method: "GET",
			path:   "/console/r/this/receiver/events?reveal=true",
			header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
			status: 403,
		},
		"a page with personal data, without its body": {
			method: "HEAD",
			path:   "/console/r/this/receiver/events?reveal=true",
			header: map[string]string{"Sec-Fetch-Site": "same-site"},
			status: 403,
		},
		"an export of a page, by a link of another site": {
			method: "GET",
			path:   "/console/r/this/receiver/conversations/abc/export",
			header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
			status: 403,
		},
		"another method": {
			method: "PUT",
			path:   "/dead-letters",
			status: 405,
		},
	} {
		t.Run(name, func(t *testing.T) {
			method := cmp.Or(tc.method, http.MethodPost)
			path := cmp.Or(tc.path, "/dead-letters/replay")

			request, err := http.NewRequestWithContext(t.Context(), method, "http://"+h.Local.ConsoleAddr()+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}

			asked++
			actor := fmt.Sprintf("actor-%d.", asked)
			request.Header.Set(consoleapi.ActorHeader, actor)

			request.Host = cmp.Or(tc.host, local)
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

			if tc.status == http.StatusForbidden && strings.Contains(log.String(), "actor="+actor) {
				t.Errorf("the audit log has a line of a refused request:\n%s", log)
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
