// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

func TestClassify(t *testing.T) {
	policies := map[int]config.ErrorPolicy{
		100:    {Class: "permanent"},
		131026: {Class: "rate_limited", Scope: "pair"},
		131048: {Class: "permanent"},
		131049: {Class: "transient"},
		131056: {Scope: "number"},
		999999: {Class: "configuration", Scope: "app"},
		131000: {Class: "ambiguous"},
	}
	for name, tc := range map[string]struct {
		reported ReportedError
		policies map[int]config.ErrorPolicy
		class    failure.Class
		scope    failure.Scope
		pause    time.Duration
	}{
		"app limit": {
			reported: ReportedError{Code: 4, HTTPStatus: 400},
			class:    failure.RateLimited,
			scope:    failure.ScopeApp,
			pause:    5 * time.Minute,
		},
		"limit of the token's user": {
			reported: ReportedError{Code: 17, HTTPStatus: 400},
			class:    failure.RateLimited,
			scope:    failure.ScopeApp,
			pause:    5 * time.Minute,
		},
		"limit of calls": {
			reported: ReportedError{Code: 613, HTTPStatus: 400},
			class:    failure.RateLimited,
			scope:    failure.ScopeApp,
			pause:    5 * time.Minute,
		},
		"business account limit": {
			reported: ReportedError{Code: 80007, HTTPStatus: 400},
			class:    failure.RateLimited,
			scope:    failure.ScopeBusinessAccount,
			pause:    5 * time.Minute,
		},
		"another business limit": {
			reported: ReportedError{Code: 80014, HTTPStatus: 400},
			class:    failure.RateLimited,
			scope:    failure.ScopeBusinessAccount,
		},
		"number limit": {
			reported: ReportedError{Code: 130429, HTTPStatus: 400},
			class:    failure.RateLimited,
			scope:    failure.ScopeNumber,
			pause:    time.Second,
		},
		"pair limit": {
			reported: ReportedError{Code: 131056},
			class:    failure.RateLimited,
			scope:    failure.ScopePair,
			pause:    time.Second,
		},
		"spam": {
			reported: ReportedError{Code: 131048},
			class:    failure.RateLimited,
			scope:    failure.ScopeNumber,
			pause:    time.Hour,
		},
		"spam, permanent by policy": {
			reported: ReportedError{Code: 131048},
			policies: policies,
			class:    failure.Permanent,
			scope:    failure.ScopeNumber,
		},
		"throttled flow": {
			reported: ReportedError{Code: 132069},
			class:    failure.RateLimited,
			scope:    failure.ScopePair,
			pause:    time.Hour,
		},
		"template required": {
			reported: ReportedError{Code: 131047},
			class:    failure.TemplateRequired,
			scope:    failure.ScopePair,
		},
		"undeliverable": {
			reported: ReportedError{Code: 131026},
			class:    failure.Permanent,
			scope:    failure.ScopeRecipient,
		},
		"undeliverable, rate-limited by policy": {
			reported: ReportedError{Code: 131026},
			policies: policies,
			class:    failure.RateLimited,
			scope:    failure.ScopePair,
		},
		"policy with only a class": {
			reported: ReportedError{Code: 131049},
			policies: policies,
			class:    failure.Transient,
			scope:    failure.ScopePair,
		},
		"policy with only a scope": {
			reported: ReportedError{Code: 131056},
			policies: policies,
			class:    failure.RateLimited,
			scope:    failure.ScopeNumber,
			pause:    time.Second,
		},
		"policy for an unknown code": {
			reported: ReportedError{Code: 999999},
			policies: policies,
			class:    failure.Configuration,
			scope:    failure.ScopeApp,
		},
		"maintenance outlasts retries": {
			reported: ReportedError{Code: 131057, HTTPStatus: 500},
			class:    failure.RateLimited,
			scope:    failure.ScopeNumber,
			pause:    time.Minute,
		},
		"unknown outcome in a response": {
			reported: ReportedError{Code: 131000, HTTPStatus: 500},
			class:    failure.Ambiguous,
		},
		"certain failure in a status": {
			reported: ReportedError{Code: 131000},
			class:    failure.Transient,
		},
		"unknown outcome by policy": {
			reported: ReportedError{Code: 131000},
			policies: policies,
			class:    failure.Ambiguous,
		},
		"missing permission": {
			reported: ReportedError{Code: 250, HTTPStatus: 403},
			class:    failure.Configuration,
			scope:    failure.ScopeNumber,
		},
		"unknown code, 401": {
			reported: ReportedError{Code: 999999, HTTPStatus: 401},
			class:    failure.Configuration,
			scope:    failure.ScopeApp,
		},
		"unknown code, 403": {
			reported: ReportedError{Code: 999999, HTTPStatus: 403},
			class:    failure.Configuration,
			scope:    failure.ScopeNumber,
		},
		"invalid parameter": {
			reported: ReportedError{Code: 100, HTTPStatus: 400},
			class:    failure.Permanent,
		},
		"invalid parameter with another subcode": {
			reported: ReportedError{Code: 100, Subcode: 2494010, HTTPStatus: 400},
			class:    failure.Permanent,
		},
		"no access to the phone number": {
			reported: ReportedError{Code: 100, Subcode: 33, HTTPStatus: 400},
			class:    failure.Configuration,
			scope:    failure.ScopeNumber,
		},
		"no access to the phone number, permanent by policy": {
			reported: ReportedError{Code: 100, Subcode: 33, HTTPStatus: 400},
			policies: policies,
			class:    failure.Permanent,
			scope:    failure.ScopeNumber,
		},
		"expired token": {
			reported: ReportedError{Code: 190, Subcode: 463, HTTPStatus: 401},
			class:    failure.Configuration,
			scope:    failure.ScopeApp,
		},
		"token refused with an unknown subcode": {
			reported: ReportedError{Code: 190, Subcode: 499, HTTPStatus: 401},
			class:    failure.Configuration,
			scope:    failure.ScopeApp,
		},
		"unknown path": {
			reported: ReportedError{Code: 2500, HTTPStatus: 400},
			class:    failure.Configuration,
			scope:    failure.ScopeApp,
		},
		"refused for now": {
			reported: ReportedError{Code: 135000, Transient: true, HTTPStatus: 400},
			class:    failure.Transient,
		},
		"unknown, refused for now": {
			reported: ReportedError{Code: 999999, Transient: true, HTTPStatus: 400},
			class:    failure.Transient,
		},
		"unknown outcome, for now": {
			reported: ReportedError{Code: 999999, Transient: true, HTTPStatus: 500},
			class:    failure.Ambiguous,
		},
		"limited for now": {
			reported: ReportedError{Code: 4, Transient: true, HTTPStatus: 400},
			class:    failure.RateLimited,
			scope:    failure.ScopeApp,
			pause:    5 * time.Minute,
		},
		"unknown group": {
			reported: ReportedError{Code: 131215, HTTPStatus: 400},
			class:    failure.Permanent,
			scope:    failure.ScopeRecipient,
		},
		"group limit": {
			reported: ReportedError{Code: 131208, HTTPStatus: 429},
			class:    failure.RateLimited,
			scope:    failure.ScopeNumber,
			pause:    5 * time.Minute,
		},
		"media too large": {
			reported: ReportedError{Code: 131052},
			class:    failure.Permanent,
		},
		"media at a busy server": {
			reported: ReportedError{Code: 131053, FetchStatus: 429},
			class:    failure.Transient,
		},
		"media at a failing server": {
			reported: ReportedError{Code: 131053, FetchStatus: 503},
			class:    failure.Transient,
		},
		"media that is gone": {
			reported: ReportedError{Code: 131053, FetchStatus: 404},
			class:    failure.Permanent,
		},
		"no code, 401": {
			reported: ReportedError{Code: whatsapp.NoCode, HTTPStatus: 401},
			class:    failure.Configuration,
			scope:    failure.ScopeApp,
		},
		"no code, 404": {
			reported: ReportedError{Code: whatsapp.NoCode, HTTPStatus: 404},
			class:    failure.Configuration,
			scope:    failure.ScopeApp,
		},
		"no code, 400": {
			reported: ReportedError{Code: whatsapp.NoCode, HTTPStatus: 400},
			class:    failure.Configuration,
			scope:    failure.ScopeApp,
		},
		"no code, 302": {
			reported: ReportedError{Code: whatsapp.NoCode, HTTPStatus: 302},
			class:    failure.Configuration,
			scope:    failure.ScopeApp,
		},
		"no code, 408": {
			reported: ReportedError{Code: whatsapp.NoCode, HTTPStatus: 408},
			class:    failure.Transient,
		},
		"no code, 413": {
			reported: ReportedError{Code: whatsapp.NoCode, HTTPStatus: 413},
			class:    failure.Permanent,
		},
		"no code, 202": {
			reported: ReportedError{Code: whatsapp.NoCode, HTTPStatus: 202},
			class:    failure.Ambiguous,
		},
		"no code, 429": {
			reported: ReportedError{Code: whatsapp.NoCode, HTTPStatus: 429},
			class:    failure.RateLimited,
			scope:    failure.ScopeApp,
			pause:    time.Second,
		},
		"no code, 503": {
			reported: ReportedError{Code: whatsapp.NoCode, HTTPStatus: 503},
			class:    failure.Ambiguous,
		},
		"no code, reported": {
			reported: ReportedError{Code: whatsapp.NoCode},
			class:    failure.Permanent,
		},
		"unknown code, 404": {
			reported: ReportedError{Code: 999999, HTTPStatus: 404},
			class:    failure.Permanent,
		},
		"code 0": {
			reported: ReportedError{Code: 0},
			class:    failure.Configuration,
			scope:    failure.ScopeApp,
		},
	} {
		f := Classify("op", tc.reported, tc.policies)
		if f.Class != tc.class || f.Scope != tc.scope || f.Pause != tc.pause || f.Text == "" {
			t.Errorf("%s: Classify() = %+v; want %q, %q, %v and a text", name, f, tc.class, tc.scope, tc.pause)
		}
	}
}

func TestReadError(t *testing.T) {
	for body, want := range map[string]ReportedError{
		`{"error":{"message":"(#130429) Rate limit hit","code":130429,"error_data":{"details":"x"}}}`: {Code: 130429},
		`{"error":{"message":"m","code":100,"error_subcode":33}}`:                                     {Code: 100, Subcode: 33},
		`{"error":{"code":100,"error_subcode":"33"}}`:                                                 {Code: 100, Subcode: 33},
		`{"error":{"code":100,"error_subcode":[33]}}`:                                                 {Code: 100},
		`{"error":{"code":100,"type":"GraphMethodException","message":"Unsupported post request. Object with ID '42' does not exist, cannot be loaded due to missing permissions, or does not support this operation"}}`: {
			Code:    100,
			Subcode: 33,
		},
		`{"error":{"code":100,"message":"(#100) Unsupported get request"}}`: {Code: 100, Subcode: 33},
		`{"error":{"code":100,"error_data":{"details":"Object with ID 42 does not exist, cannot be loaded due to missing permissions"}}}`: {
			Code:    100,
			Subcode: 33,
		},
		`{"error":{"code":100,"error_subcode":7,"message":"Unsupported post request"}}`: {Code: 100, Subcode: 7},
		`{"error":{"code":100,"message":"Unsupported type of requests"}}`:               {Code: 100},
		`{"error":{"code":100,"error_subcode":-1}}`:                                     {Code: 100},
		`{"error":{"code":100,"message":"API calls from the server require an appsecret_proof argument"}}`: {
			Code:    100,
			Subcode: proofMissing,
		},
		`{"error":{"code":100,"message":"Invalid appsecret_proof provided in the API argument"}}`: {
			Code:    100,
			Subcode: proofInvalid,
		},
		`{"error":{"code":100,"error_user_msg":"The parameter context['message_id'] is required."}}`: {
			Code:      100,
			Parameter: "context",
		},
		`{"error":{"code":131009,"error_data":{"details":"Message id in context is not valid"}}}`: {
			Code:      131009,
			Parameter: "context",
		},
		`{"error":{"code":131009,"error_data":{"details":"The replied to message wamid.x does not exist"}}}`: {
			Code:      131009,
			Parameter: "context",
		},
		`{"error":{"code":100,"message":"(#100) The parameter to is required."}}`: {Code: 100, Parameter: "to"},
		`{"error":{"code":100,"message":"Param text['body'] must be at most 4096 characters long."}}`: {
			Code:      100,
			Parameter: "text",
		},
		`{"error":{"code":131009,"error_data":{"details":"Parameter +573001234567 is not valid"}}}`: {Code: 131009},
		`{"error":{"code":131026,"error_data":{"details":"context"}}}`:                              {Code: 131026},
		`{"error":{"code":100,"error_subcode":33,"message":"Object with Message ID 'x'"}}`:          {Code: 100, Subcode: 33},
		`{"error":{"code":100,"error_data":"context"}}`:                                             {Code: 100},
		`{"error":{"code":2,"is_transient":true}}`:                                                  {Code: 2, Transient: true},
		`{"error":{"code":131053,"error_data":{"details":"Downloading media from weblink failed with http code 503, status message x"}}}`: {
			Code:        131053,
			FetchStatus: 503,
		},
		`{"error":{"code":"190"}}`:           {Code: 190},
		`{"error":{"code":0}}`:               {Code: 0},
		`{"error":{"code":1.5}}`:             {Code: whatsapp.NoCode},
		`{"error":{"code":-3}}`:              {Code: whatsapp.NoCode},
		`{"error":{"code":1e300}}`:           {Code: whatsapp.NoCode},
		`{"error":{"code":404}}`:             {Code: whatsapp.NoCode}, // another API's error, which repeats the HTTP status
		`{"error":{"message":"no code"}}`:    {Code: whatsapp.NoCode},
		`{"error":"invalid_token"}`:          {Code: whatsapp.NoCode},
		`{"error":null}`:                     {Code: whatsapp.NoCode},
		`null`:                               {Code: whatsapp.NoCode},
		`[]`:                                 {Code: whatsapp.NoCode},
		`<html>Bad Gateway</html>`:           {Code: whatsapp.NoCode},
		``:                                   {Code: whatsapp.NoCode},
		`{"code":131026,"error":{"code":{}}`: {Code: whatsapp.NoCode},
	} {
		want.HTTPStatus = http.StatusNotFound
		if got := readError([]byte(body), http.StatusNotFound); got != want {
			t.Errorf("readError(%s) = %+v, want %+v", body, got, want)
		}
	}
}

func FuzzErrorBody(f *testing.F) {
	f.Add([]byte(`{"error":{"code":130429,"error_data":{"details":"x"}}}`), 400)
	f.Add([]byte(`{"error":{"code":"0","error_subcode":33,"is_transient":true,"error_data":7}}`), 500)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		reported := readError(body, status)
		if reported.Code < whatsapp.NoCode {
			t.Fatalf("code %d of %q", reported.Code, body)
		}

		if f := Classify("op", reported, nil); !slices.Contains(failure.Classes, f.Class) || f.Text == "" {
			t.Fatalf("%+v is classified as %+v", reported, f)
		}
	})
}
