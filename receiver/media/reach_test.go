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

// TestWhatIsPrivateIsNeverReached has a server in the place of one that only the cluster can reach. It is named among the
// allowed hosts, as a name would be that leads to a public address when it is checked and to a private one when it is
// dialled: not one connection may come of it.
func TestWhatIsPrivateIsNeverReached(t *testing.T) {
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
		"by number":             "127.0.0.1:" + port,
		"by a name":             "localhost:" + port,
		"by a name in capitals": "LOCALHOST:" + port,
		"mapped":                "[::ffff:127.0.0.1]:" + port,
		"in hexadecimal":        "[::ffff:7f00:1]:" + port,
	} {
		for _, way := range []string{"at once", "by a redirect"} {
			t.Run(name+" "+way, func(t *testing.T) {
				var b *bench

				b = newBench(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, "https://"+host+"/latest/meta-data", http.StatusFound)
				}), config.Media{AllowedHosts: []string{strings.ToLower(host)}}, lookupFunc(func(string) (cloudapi.MediaInfo, error) {
					if way == "at once" {
						return cloudapi.MediaInfo{URL: "https://" + host + "/latest/meta-data"}, nil
					}

					return cloudapi.MediaInfo{URL: b.server.URL + "/first"}, nil
				}))

				_, err := b.spool.Fetch(t.Context(), number, Image, Wanted{ID: "1"})
				if f := failure.Of(err); err == nil || f.Class != failure.Permanent || f.Code != "media_host" || strings.Contains(f.Text, "latest") {
					t.Errorf("Fetch() = %+v, want a permanent media_host that does not tell the address", f)
				}

				b.empty(t)
			})
		}
	}

	if n := reached.Load(); n > 0 {
		t.Errorf("%d connections reached the private server", n)
	}
}
