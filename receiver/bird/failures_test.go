// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestErrorCode(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"type":"invalid_request","code":"E01003","message":"call 573001234567","request_id":"r"}}`: "E01003",
		`{"error":{"type":"invalid_request","message":"m"}}`:                                                  "invalid_request",
		`{"code":1234,"message":"m"}`:                                                                         "1234",
		`{"error":"m","code":"bad.thing"}`:                                                                    "bad.thing",
		`{"error":{"code":null}}`:                                                                             "",
		`{"code":"573001234567"}`:                                                                             "",
		`{"code":"Hello my name is Ana"}`:                                                                     "",
		`{"code":{"a":1}}`:                                                                                    "",
		`plain words`:                                                                                         "",
		`["E01003"]`:                                                                                          "",
		``:                                                                                                    "",
	} {
		if got := errorCode([]byte(body)); got != want {
			t.Errorf("errorCode(%s) = %q, want %q", body, got, want)
		}
	}
}

func FuzzRefused(f *testing.F) {
	f.Add(409, []byte(`{"error":{"code":"E01004"}}`))
	f.Add(422, []byte(`{"code":573001234567,"message":"secret"}`))
	f.Add(302, []byte("moved"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := refused("op", &http.Response{StatusCode: status, Header: http.Header{}}, body, time.Time{})
		if e.Class != failure.Permanent && e.Class != failure.Transient && e.Class != failure.Configuration {
			t.Errorf("class = %q", e.Class)
		}

		if longNumber.MatchString(e.Text) || strings.ContainsAny(e.Text, "\n\"{") || len(e.Text) > 200 {
			t.Errorf("text = %q repeats the body", e.Text)
		}
	})
}
