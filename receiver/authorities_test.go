// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// TestInternalAuthorities puts each peer behind TLS with a certificate of an internal authority. While the authority is not
// configured, the work waits and the status names the peer. With it, the work goes on without a restart.
func TestInternalAuthorities(t *testing.T) {
	for name, tc := range map[string]struct {
		role string
		url  func(*config.Config) *string
		peer string // as the status names it
	}{
		"AI": {
			role: config.RoleAICA,
			url:  func(c *config.Config) *string { return &c.Bird.BaseURL },
			peer: "Bird",
		},
		"Meta": {
			role: config.RoleMetaCA,
			url:  func(c *config.Config) *string { return &c.CloudAPI.BaseURL },
			peer: "Meta",
		},
		"sink": {
			role: config.RoleSinkCA,
			url:  func(c *config.Config) *string { return &c.Notifications.SinkURL },
			peer: "the sink",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var authority string

			h := newHarness(t, func(c *config.Config) {
				address := tc.url(c)

				target, err := url.Parse(*address)
				if err != nil {
					t.Fatal(err)
				}

				server := httptest.NewTLSServer(&httputil.ReverseProxy{
					Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host}) },
				})
				t.Cleanup(server.Close)

				authority = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
				*address = server.URL + target.Path
			})
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))

			h.waitFor("the status names "+tc.peer, func() bool {
				return slices.ContainsFunc(slices.Collect(maps.Values(h.status().Problems)), func(problem string) bool {
					return strings.Contains(problem, "the certificate of "+tc.peer)
				})
			})

			h.writeSecret(tc.role, "0", authority)
			h.waitSent(1)
			h.waitIdle()
			h.waitFor("no problem", func() bool { return len(h.status().Problems) == 0 })
		})
	}
}
