// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// TestPrivateHostIsNeverReached downloads from a server at a private address that is an allowed host. An allowed name
// could resolve to a public address when it is checked, and to a private address when it is dialed. No connection may
// reach the server.
func TestPrivateHostIsNeverReached(t *testing.T) {
	var reached atomic.Int64

	private := httptest.NewUnstartedServer(http.NotFoundHandler())
	private.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			reached.Add(1)
		}
	}

	private.StartTLS()
	defer private.Close()

	_, port, err := net.SplitHostPort(private.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}

	for name, host := range map[string]string{
		"by address":                 "127.0.0.1:" + port,
		"by a name":                  "localhost:" + port,
		"by a name in upper case":    "LOCALHOST:" + port,
		"IPv4-mapped":                "[::ffff:127.0.0.1]:" + port,
		"IPv4-mapped in hexadecimal": "[::ffff:7f00:1]:" + port,
	} {
		for _, way := range []string{"directly", "by a redirect"} {
			t.Run(name+" "+way, func(t *testing.T) {
				var f *fixture

				f = newFixture(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, "https://"+host+"/latest/meta-data", http.StatusFound)
				}), config.Media{AllowedHosts: []string{strings.ToLower(host)}}, lookupFunc(func(string) (cloudapi.MediaInfo, error) {
					if way == "directly" {
						return cloudapi.MediaInfo{URL: "https://" + host + "/latest/meta-data"}, nil
					}

					return cloudapi.MediaInfo{URL: f.server.URL + "/first"}, nil
				}))

				_, err := f.spool.Fetch(t.Context(), number, Expected{ID: "1"})
				if fault := failure.Of(err); err == nil || fault.Class != failure.Permanent || fault.Code != "media_host" || strings.Contains(fault.Text, "latest") {
					t.Errorf("Fetch() = %+v, want a permanent media_host without the address", fault)
				}

				f.checkEmpty(t)
			})
		}
	}

	if n := reached.Load(); n > 0 {
		t.Errorf("%d connections reached the private server", n)
	}
}
