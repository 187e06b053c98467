// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestMediaInfo(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v27.0/42" && r.URL.Query().Get("fields") == "id" { // the phone number
				fmt.Fprint(w, `{"id":"42"}`)
				return
			}

			if r.Method != http.MethodGet || r.URL.Path != "/v27.0/77" || r.URL.Query().Get("phone_number_id") != "42" || r.Header.Get("Authorization") != "Bearer token" {
				t.Errorf("called %s %s with %v", r.Method, r.URL, r.Header)
			}

			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, tc := range map[string]struct {
		handle http.HandlerFunc
		want   MediaInfo
		class  failure.Class
		code   string
	}{
		"size as a number": {
			handle: answer(200, `{"messaging_product":"whatsapp","url":"https://lookaside.fbsbx.com/x","mime_type":"image/jpeg","sha256":"ab","file_size":1234,"id":"77"}`),
			want: MediaInfo{
				URL:      "https://lookaside.fbsbx.com/x",
				MimeType: "image/jpeg",
				SHA256:   "ab",
				FileSize: 1234,
			},
		},
		"size as text":  {handle: answer(200, `{"url":"u","file_size":"1234"}`), want: MediaInfo{URL: "u", FileSize: 1234}},
		"invalid size":  {handle: answer(200, `{"url":"u","file_size":[1]}`), want: MediaInfo{URL: "u"}},
		"negative size": {handle: answer(200, `{"url":"u","file_size":-5}`), want: MediaInfo{URL: "u"}},
		"no URL":        {handle: answer(200, `{"id":"77"}`), class: failure.Transient, code: "bad_response"},
		"no JSON":       {handle: answer(200, `OK`), class: failure.Transient, code: "bad_response"},
		"a proxy's page": {
			handle: answer(200, `<html>`),
			class:  failure.Configuration,
			code:   "not_graph",
		},
		"unknown id": {handle: answer(400, `{"error":{"code":100}}`), class: failure.Permanent, code: "100"},
		"expired file": {
			handle: answer(400, `{"error":{"code":100,"error_subcode":33}}`),
			class:  failure.Permanent,
			code:   "100",
		},
		"no access to the phone number": {
			handle: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error":{"code":100,"error_subcode":33}}`)
			},
			class: failure.Configuration,
			code:  "100",
		},
		"unknown path": {
			handle: answer(400, `{"error":{"code":2500}}`),
			class:  failure.Configuration,
			code:   "2500",
		},
		"no proof of the app's secret": {
			handle: answer(400, `{"error":{"code":100,"message":"API calls from the server require an appsecret_proof argument"}}`),
			class:  failure.Configuration,
			code:   "100",
		},
		"media error":   {handle: answer(400, `{"error":{"code":131052}}`), class: failure.Permanent, code: "131052"},
		"expired token": {handle: answer(401, `{"error":{"code":190}}`), class: failure.Configuration, code: "190"},
		"unknown error": {handle: answer(500, `{"error":{"code":131000}}`), class: failure.Transient, code: "131000"},
		"cut off": {
			handle: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			class:  failure.Transient,
			code:   "no_connection",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newTestClient(t, time.Minute, tc.handle).MediaInfo(t.Context(), "42", "77")
			if tc.class == "" {
				if err != nil || got != tc.want {
					t.Errorf("MediaInfo() = %+v, %v, want %+v", got, err, tc.want)
				}

				return
			}

			if f := failure.Of(err); f.Class != tc.class || f.Code != tc.code || f.Op != "look up media" {
				t.Errorf("failure = %+v, want class %s, code %s", f, tc.class, tc.code)
			}
		})
	}
}
