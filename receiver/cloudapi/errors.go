// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// ReportedError is an error as Meta reports it: in a response of the Graph API, in a failed status, or in an errors
// webhook.
type ReportedError struct {
	Code      int  // whatsapp.NoCode if there is none
	Subcode   int  // 0 if there is none
	Transient bool // is_transient: Meta expects that the same request succeeds later
	// FetchStatus is the HTTP status with which a server refused Meta's download of linked media. It is 0 if Meta does not
	// say.
	FetchStatus int
	// Parameter is the parameter that Meta refuses, such as "context". It is empty if Meta names none.
	Parameter string
	// HTTPStatus is that of the response. It is 0 for an error in a webhook, whose failure is then certain and never
	// Ambiguous.
	HTTPStatus int
}

// Classify returns the failure that an error of Meta means for the operation op. A policy for the code overrides class
// and scope of the table, except where it is empty. The text is our own and fit for logs.
func Classify(op string, reported ReportedError, policies map[int]config.ErrorPolicy) *failure.Error {
	meaning := meaningOf(reported)

	policy := policies[reported.Code]
	if policy.Class != "" {
		meaning.class = failure.Class(policy.Class)
	}

	if policy.Scope != "" {
		meaning.scope = failure.Scope(policy.Scope)
	}

	f := &failure.Error{
		Class: meaning.class,
		Scope: meaning.scope,
		Op:    op,
		Code:  reported.failureCode(),
		Text:  meaning.text,

		Parameter: reported.Parameter,
	}
	if reported.Parameter != "" {
		f.Text += ": " + reported.Parameter
	}

	if f.Class == failure.RateLimited {
		f.Pause = firstPauses[reported.Code]
	}

	return f
}

func (e ReportedError) failureCode() string {
	switch {
	case e.Code != whatsapp.NoCode:
		return strconv.Itoa(e.Code)
	case e.HTTPStatus != 0:
		return httpclient.StatusCode(e.HTTPStatus)
	}

	return ""
}

// meaningOf returns what an error means without a policy.
func meaningOf(e ReportedError) apiError {
	meaning := lookupError(e)

	certain := e.HTTPStatus == 0 && meaning.class == failure.Ambiguous
	fetchFailed := e.failureCode() == CodeMediaUpload && isTemporary(e.FetchStatus)
	temporary := meaning.class == failure.Permanent && (e.Transient || fetchFailed)

	if certain || temporary {
		meaning.class = failure.Transient
	}

	return meaning
}

// isTemporary reports whether a server that answers with this status may accept the same request later.
func isTemporary(httpStatus int) bool {
	return httpStatus == http.StatusRequestTimeout ||
		httpStatus == http.StatusTooEarly ||
		httpStatus == http.StatusTooManyRequests ||
		httpStatus >= http.StatusInternalServerError
}

// lookupError returns the entry of the tables for the most specific part of an error that is known.
func lookupError(e ReportedError) apiError {
	if meaning, ok := apiSubcodes[subcode{e.Code, e.Subcode}]; ok {
		return meaning
	}

	if meaning, ok := apiErrors[e.Code]; ok {
		return meaning
	}

	if e.Code == whatsapp.NoCode && e.HTTPStatus != 0 {
		return foreignResponse(e.HTTPStatus)
	}

	for _, r := range ranges {
		if e.Code >= r.first && e.Code <= r.last {
			return r.apiError
		}
	}

	return unknownError(e.HTTPStatus)
}

// unknownError returns the meaning of a code that is in no table, by the status of the response.
func unknownError(httpStatus int) apiError {
	switch {
	case httpStatus == http.StatusUnauthorized:
		return apiError{failure.Configuration, failure.ScopeApp, "Meta refuses the access token"}
	case httpStatus == http.StatusForbidden:
		return apiError{failure.Configuration, failure.ScopeNumber, "Meta denies access: check the permissions of the access token, and that its system user has the business account"}
	case httpStatus == http.StatusTooManyRequests:
		return apiError{failure.RateLimited, failure.ScopeApp, "Meta limits the rate of calls"}
	case httpStatus >= http.StatusInternalServerError:
		return apiError{failure.Ambiguous, failure.ScopeNone, "Meta's server failed"}
	case httpStatus == 0:
		return apiError{failure.Permanent, failure.ScopeNone, "Meta reports an error that is not in its table"}
	}

	return apiError{failure.Permanent, failure.ScopeNone, "Meta refuses the request"}
}

// foreignResponse returns the meaning of a response without an error of the Graph API. It comes from a proxy, a load balancer,
// or another server at a wrong address.
func foreignResponse(httpStatus int) apiError {
	switch {
	case httpStatus == http.StatusUnauthorized || httpStatus == http.StatusForbidden || httpStatus == http.StatusProxyAuthRequired:
		return apiError{failure.Configuration, failure.ScopeApp, "a server denies access without an error of the Graph API: check the access token, cloudAPI.baseURL and the proxies on the way"}
	case httpStatus == http.StatusRequestTimeout || httpStatus == http.StatusTooEarly: // neither was processed
		return apiError{failure.Transient, failure.ScopeNone, "the request did not reach Meta in time"}
	case httpStatus == http.StatusRequestEntityTooLarge:
		return apiError{failure.Permanent, failure.ScopeNone, "the request is too large for Meta"}
	case httpStatus == http.StatusTooManyRequests || httpStatus >= http.StatusInternalServerError:
		return unknownError(httpStatus)
	case httpStatus >= 200 && httpStatus <= 299:
		return apiError{failure.Ambiguous, failure.ScopeNone, "Meta's response has neither a result nor an error"}
	case httpStatus >= 300 && httpStatus <= 399:
		return apiError{failure.Configuration, failure.ScopeApp, "the server redirects, which is not followed: set cloudAPI.baseURL to the address of the Graph API"}
	}

	return apiError{failure.Configuration, failure.ScopeApp, textNotGraph}
}

const textNotGraph = "this is not the Graph API: check cloudAPI.baseURL"

// readError returns the error in the body of a response other than 200: {"error":{"code":…}}.
func readError(body []byte, httpStatus int) ReportedError {
	reported := ReportedError{Code: whatsapp.NoCode, HTTPStatus: httpStatus}

	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return reported
	}

	code, err := whatsapp.ParseErrorCode(answer.Error)
	if err != nil {
		return reported
	}

	var details errorDetails

	_ = json.Unmarshal(answer.Error, &details) // an object, whose fields accept any value

	// Other APIs repeat the HTTP status as code of an error in this form. 200 is Meta's: a permission is missing.
	if _, known := apiErrors[code]; known || code != httpStatus || code == http.StatusOK {
		reported.Code = code
	}

	if n, ok := details.Subcode.Number(); ok && n > 0 && n < 1<<31 {
		reported.Subcode = int(n)
	}

	details.refine(&reported)
	reported.Transient = bool(details.Transient)
	reported.FetchStatus = whatsapp.FetchStatus(answer.Error)

	return reported
}

// tokenCodes are the codes with which Meta refuses the access token itself, as opposed to a missing permission or no
// response.
var tokenCodes = []string{"0", "102", "104", "190", "http_401"}

// TokenRefused reports whether a call failed because Meta refuses the access token.
func TokenRefused(f *failure.Error) bool {
	return f.Class == failure.Configuration && slices.Contains(tokenCodes, f.Code)
}

// codeAddressRefused is the code with which an app refuses calls from an address that is not on its allowlist.
const codeAddressRefused = "5"

// CallerRefused reports whether a call failed because Meta refuses all our calls: for their access token, the proof of the
// app's secret, the app, or their source address.
func CallerRefused(f *failure.Error) bool {
	isCaller := f.Code == codeAddressRefused || f.Code == CodeUnknownApp || ProofRefused(f)

	return TokenRefused(f) || f.Class == failure.Configuration && isCaller
}
