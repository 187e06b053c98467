// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import (
	"slices"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

var testPeer = Peer{Name: "Bird", Setting: "bird.baseURL"}

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
		failed := Refused(testPeer, "op", &httpclient.Response{Status: status, Body: body})
		if !slices.Contains(failure.Classes, failed.Class) || failed.Class == failure.Ambiguous {
			t.Errorf("class = %q", failed.Class)
		}

		if longNumber.MatchString(failed.Text) || strings.ContainsAny(failed.Text, "\n\"{") || len(failed.Text) > 200 {
			t.Errorf("text = %q repeats the body", failed.Text)
		}
	})
}

func TestRefusedHasTheScopeOfTheAnswer(t *testing.T) {
	for status, want := range map[int]failure.Scope{
		302: failure.ScopeAI,
		401: failure.ScopeAI,
		402: failure.ScopeAI,
		408: failure.ScopeAI,
		429: failure.ScopeAI,
		503: failure.ScopeAI,
		403: failure.ScopeAIMethod,
		404: failure.ScopeAIMethod,
		405: failure.ScopeAIMethod,
		501: failure.ScopeAIMethod,
		400: failure.ScopeNone,
		409: failure.ScopeNone,
		422: failure.ScopeNone,
	} {
		body := []byte(`{"code":"E01004"}`)
		if f := Refused(testPeer, "op", &httpclient.Response{Status: status, Body: body}); f.Scope != want {
			t.Errorf("HTTP %d has scope %q, want %q", status, f.Scope, want)
		}
	}
}

// TestABridgeMayLackOptionalMethods checks that the refusal of a method that a bridge may lack closes nothing.
func TestABridgeMayLackOptionalMethods(t *testing.T) {
	for status, want := range map[int]failure.Class{
		403: failure.Configuration,
		404: failure.Permanent,
		405: failure.Permanent,
		501: failure.Permanent,
	} {
		f := Refused(testPeer, ProcessOrder, &httpclient.Response{Status: status})
		if f.Class != want || (f.Code == CodeNoMethod) != (want == failure.Permanent) {
			t.Errorf("HTTP %d is a failure of class %s and code %s", status, f.Class, f.Code)
		}

		if want == failure.Permanent && f.Scope != failure.ScopeNone {
			t.Errorf("HTTP %d has scope %q, want none", status, f.Scope)
		}
	}
}
