// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"slices"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// documented contains the error codes of Meta's table and of the pages that it links to.
var documented = []int{
	0, 1, 2, 3, 4, 10, 33, 100, 104, 190, 200, 299, 368, 2200, 80007, 80008, 130403, 130429, 130472, 130497,
	131000, 131005, 131008, 131009, 131016, 131020, 131021, 131026, 131030, 131031, 131035, 131036, 131037, 131041, 131042,
	131044, 131045, 131047, 131048, 131049, 131050, 131051, 131052, 131053, 131055, 131056, 131057, 131059, 131060, 131062,
	131063, 131064, 131201, 131202, 131203, 131204, 131205, 131206, 131207, 131208, 131209, 131210, 131211, 131212, 131213,
	131214, 131215, 132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 132069, 133000, 133001, 133002,
	133003, 133004, 133005, 133006, 133007, 133008, 133009, 133010, 133015, 133016, 134011, 135000, 136025, 137000, 147001,
	147002, 147003, 147004, 147005, 2593107, 2593108, 2593109,
}

func TestMeaningOfEveryDocumentedCode(t *testing.T) {
	_, _, unknown := Meaning(999_999, 0, nil)
	for _, code := range documented {
		class, scope, text := Meaning(code, 0, nil)
		if text == "" || text == unknown || !slices.Contains(failure.Classes, class) {
			t.Errorf("code %d means %q, %q, %q", code, class, scope, text)
		}

		if class == failure.Ambiguous {
			t.Errorf("code %d in a failed status is ambiguous, though it failed for certain", code)
		}

		if (class == failure.RateLimited || class == failure.Configuration) && scope == failure.ScopeNone && code != 132069 {
			t.Errorf("code %d pauses sends, but has no scope", code)
		}
	}

	for code := range apiErrors {
		if !slices.Contains(documented, code) {
			t.Errorf("code %d is in the table, but not documented", code)
		}
	}
}

func TestMeaning(t *testing.T) {
	policies := map[int]config.ErrorPolicy{
		131026: {Class: "rate_limited", Scope: "pair"},
		131049: {Class: "transient"},
		131056: {Scope: "number"},
		999999: {Class: "configuration", Scope: "app"},
		131000: {Class: "ambiguous"},
	}
	for name, tc := range map[string]struct {
		code, status int
		policies     map[int]config.ErrorPolicy
		class        failure.Class
		scope        failure.Scope
	}{
		"app limit": {code: 4, status: 400, class: failure.RateLimited, scope: failure.ScopeApp},
		"business account limit": {
			code:   80007,
			status: 400,
			class:  failure.RateLimited,
			scope:  failure.ScopeBusinessAccount,
		},
		"number limit": {
			code:   130429,
			status: 400,
			class:  failure.RateLimited,
			scope:  failure.ScopeNumber,
		},
		"pair limit":        {code: 131056, class: failure.RateLimited, scope: failure.ScopePair},
		"spam":              {code: 131048, class: failure.RateLimited, scope: failure.ScopeNumber},
		"template required": {code: 131047, class: failure.TemplateRequired, scope: failure.ScopePair},
		"undeliverable":     {code: 131026, class: failure.Permanent, scope: failure.ScopeRecipient},
		"undeliverable, rate-limited by policy": {
			code:     131026,
			policies: policies,
			class:    failure.RateLimited,
			scope:    failure.ScopePair,
		},
		"policy with only a class": {
			code:     131049,
			policies: policies,
			class:    failure.Transient,
			scope:    failure.ScopePair,
		},
		"policy with only a scope": {
			code:     131056,
			policies: policies,
			class:    failure.RateLimited,
			scope:    failure.ScopeNumber,
		},
		"policy for an unknown code": {
			code:     999999,
			policies: policies,
			class:    failure.Configuration,
			scope:    failure.ScopeApp,
		},
		"maintenance outlasts retries": {
			code:   131057,
			status: 500,
			class:  failure.RateLimited,
			scope:  failure.ScopeNumber,
		},
		"unknown outcome in a response": {code: 131000, status: 500, class: failure.Ambiguous},
		"certain failure in a status":   {code: 131000, class: failure.Transient},
		"unknown outcome by policy":     {code: 131000, policies: policies, class: failure.Ambiguous},
		"missing permission": {
			code:   250,
			status: 403,
			class:  failure.Configuration,
			scope:  failure.ScopeApp,
		},
		"unknown group": {
			code:   131215,
			status: 400,
			class:  failure.Permanent,
			scope:  failure.ScopeRecipient,
		},
		"group limit": {
			code:   131208,
			status: 429,
			class:  failure.RateLimited,
			scope:  failure.ScopeNumber,
		},
		"media too large": {code: 131052, class: failure.Permanent},
		"no code, 401": {
			code:   whatsapp.NoCode,
			status: 401,
			class:  failure.Configuration,
			scope:  failure.ScopeApp,
		},
		"no code, 429": {
			code:   whatsapp.NoCode,
			status: 429,
			class:  failure.RateLimited,
			scope:  failure.ScopeApp,
		},
		"no code, 503":      {code: whatsapp.NoCode, status: 503, class: failure.Ambiguous},
		"no code, reported": {code: whatsapp.NoCode, class: failure.Permanent},
		"code 0":            {code: 0, class: failure.Configuration, scope: failure.ScopeApp},
	} {
		class, scope, text := Meaning(tc.code, tc.status, tc.policies)
		if class != tc.class || scope != tc.scope || text == "" {
			t.Errorf("%s: Meaning() = %q, %q, %q; want %q, %q and a text", name, class, scope, text, tc.class, tc.scope)
		}
	}
}

func TestErrorBodyCode(t *testing.T) {
	for body, want := range map[string]int{
		`{"error":{"message":"(#130429) Rate limit hit","code":130429,"error_data":{"details":"x"}}}`: 130429,
		`{"error":{"code":"190"}}`:           190,
		`{"error":{"code":0}}`:               0,
		`{"error":{"code":1.5}}`:             whatsapp.NoCode,
		`{"error":{"code":-3}}`:              whatsapp.NoCode,
		`{"error":{"code":1e300}}`:           whatsapp.NoCode,
		`{"error":{"message":"no code"}}`:    whatsapp.NoCode,
		`{"error":"invalid_token"}`:          whatsapp.NoCode,
		`{"error":null}`:                     whatsapp.NoCode,
		`null`:                               whatsapp.NoCode,
		`[]`:                                 whatsapp.NoCode,
		`<html>Bad Gateway</html>`:           whatsapp.NoCode,
		``:                                   whatsapp.NoCode,
		`{"code":131026,"error":{"code":{}}`: whatsapp.NoCode,
	} {
		if got := errorBodyCode([]byte(body)); got != want {
			t.Errorf("errorBodyCode(%s) = %d, want %d", body, got, want)
		}
	}
}

func FuzzErrorBody(f *testing.F) {
	f.Add([]byte(`{"error":{"code":130429,"error_data":{"details":"x"}}}`), 400)
	f.Add([]byte(`{"error":{"code":"0","error_data":7}}`), 500)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		code := errorBodyCode(body)
		if code < whatsapp.NoCode {
			t.Fatalf("code %d of %q", code, body)
		}

		if class, _, text := Meaning(code, status, nil); !slices.Contains(failure.Classes, class) || text == "" {
			t.Fatalf("code %d with status %d means %q, %q", code, status, class, text)
		}
	})
}
