// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestIngressPassesOnByItsRules(t *testing.T) {
	backend := func(name string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, name, " ", r.URL.Path, " ", r.Header.Get("Authorization"))
		}))
		t.Cleanup(server.Close)

		return server.URL
	}

	const host = "hooks.example.com"

	ingress := NewIngress()
	ingress.SetRules([]IngressRule{
		{
			Host:    host,
			Path:    "/v1/",
			Prefix:  true,
			Backend: backend("messages"),
		},
		{
			Host:    host,
			Path:    "/v1/hooks",
			Backend: backend("webhook"),
		},
		{
			Host:    host,
			Path:    "/v1/media/",
			Prefix:  true,
			Backend: backend("media"),
		},
	})

	for _, tc := range []struct {
		host, path string
		status     int
		want       string
	}{
		{host, "/v1/messages", http.StatusOK, "messages /v1/messages Bearer key"},
		{host + ":8443", "/v1", http.StatusOK, "messages /v1 Bearer key"},
		{host, "/v1/hooks", http.StatusOK, "webhook /v1/hooks Bearer key"},
		{host, "/v1/media/a", http.StatusOK, "media /v1/media/a Bearer key"},
		{host, "/v10", http.StatusNotFound, "404 page not found\n"},
		{"other.example.com", "/v1/messages", http.StatusNotFound, "404 page not found\n"},
	} {
		request := httptest.NewRequest(http.MethodGet, tc.path, http.NoBody)
		request.Host = tc.host
		request.Header.Set("Authorization", "Bearer key")

		recorder := httptest.NewRecorder()
		ingress.ServeHTTP(recorder, request)

		body, err := io.ReadAll(recorder.Body)
		if err != nil {
			t.Fatal(err)
		}

		if recorder.Code != tc.status || string(body) != tc.want {
			t.Errorf("%s%s is answered %d %q; want %d %q", tc.host, tc.path, recorder.Code, body, tc.status, tc.want)
		}
	}
}
