// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// TestOtherSitesDoNotCallTheAPI checks that calls of other sites are not passed on to a receiver in the name of the user, whatever
// its version, and that the pages can be linked.
func TestOtherSitesDoNotCallTheAPI(t *testing.T) {
	var actor string

	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		actor = r.Header.Get(consoleapi.ActorHeader)
	}))
	defer receiver.Close()

	server := &Server{
		Transport: http.DefaultTransport,
		Scheme:    "http",
		Host:      receiver.Listener.Addr().String(),
		Header:    http.Header{consoleapi.ActorHeader: {"maria"}},
		Failed:    func(err error) { t.Error(err) },
	}

	for _, c := range []struct {
		method, path, site string
		status             int
	}{
		{http.MethodGet, "/v1/backup", "", http.StatusOK},
		{http.MethodGet, "/v1/backup", "same-origin", http.StatusOK},
		{http.MethodGet, "/v1/backup", "none", http.StatusOK},
		{http.MethodGet, "/v1/backup", "cross-site", http.StatusForbidden},
		{http.MethodHead, "/v1/backup", "cross-site", http.StatusForbidden},
		{http.MethodGet, "/v1/backup", "same-site", http.StatusForbidden},
		{http.MethodGet, "/conversations", "cross-site", http.StatusForbidden},
		{http.MethodGet, "/", "cross-site", http.StatusOK},
		{http.MethodGet, "/console/", "cross-site", http.StatusOK},
	} {
		actor = ""

		request := httptest.NewRequestWithContext(t.Context(), c.method, c.path, http.NoBody)
		request.Header.Set("Sec-Fetch-Site", c.site)

		w := httptest.NewRecorder()
		server.Handler().ServeHTTP(w, request)

		if isPassed := actor == "maria"; w.Code != c.status || isPassed != (c.status == http.StatusOK) {
			t.Errorf("%s %s from %q is answered %d, passed on: %t; want %d", c.method, c.path, c.site, w.Code, isPassed, c.status)
		}
	}
}
