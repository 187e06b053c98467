// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// Meaning classifies an error code of Meta's in a response with httpStatus. If httpStatus is 0 the code comes from a
// failed status or an errors webhook; the failure is then certain and never Ambiguous. Code may be whatsapp.NoCode. A
// policy for the code overrides the table's class and scope, except where it is empty. The text is our own and fit for
// logs.
func Meaning(code, httpStatus int, policies map[int]config.ErrorPolicy) (class failure.Class, scope failure.Scope, text string) {
	meaning := lookupError(code, httpStatus)
	if httpStatus == 0 && meaning.class == failure.Ambiguous {
		meaning.class = failure.Transient
	}

	policy := policies[code]
	if policy.Class != "" {
		meaning.class = failure.Class(policy.Class)
	}

	if policy.Scope != "" {
		meaning.scope = failure.Scope(policy.Scope)
	}

	return meaning.class, meaning.scope, meaning.text
}

// lookupError returns the meaning of a code. An unknown code is permanent below HTTP 500, and ambiguous from there on.
func lookupError(code, httpStatus int) apiError {
	if e, ok := apiErrors[code]; ok {
		return e
	}

	switch {
	case code >= 200 && code <= 299:
		return apiError{failure.Configuration, failure.ScopeApp, "a permission was not granted or was removed"}
	case code >= 131201 && code <= 131215:
		return apiError{failure.Permanent, failure.ScopeRecipient, "Meta refuses the group"}
	case code >= 147001 && code <= 147005:
		return apiError{failure.Permanent, failure.ScopeNone, "Meta refuses the username"}
	case httpStatus == http.StatusUnauthorized || httpStatus == http.StatusForbidden:
		return apiError{failure.Configuration, failure.ScopeApp, "Meta refuses the access token"}
	case httpStatus == http.StatusTooManyRequests:
		return apiError{failure.RateLimited, failure.ScopeApp, "Meta limits the rate of calls"}
	case httpStatus >= http.StatusInternalServerError:
		return apiError{failure.Ambiguous, failure.ScopeNone, "Meta's server failed"}
	case httpStatus == 0:
		return apiError{failure.Permanent, failure.ScopeNone, "Meta reports an error that is not in its table"}
	}

	return apiError{failure.Permanent, failure.ScopeNone, "Meta refuses the request"}
}

// errorBodyCode returns the code in the body of a response other than 200: {"error":{"code":…}}.
func errorBodyCode(body []byte) int {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return whatsapp.NoCode
	}

	code, _ := whatsapp.ParseErrorCode(answer.Error) // NoCode on error

	return code
}

// tokenCodes are the codes with which Meta refuses the access token itself, as opposed to a missing permission or no
// response.
var tokenCodes = []string{"0", "104", "190", "http_401"}

// TokenRefused reports whether a call failed because Meta refuses the access token.
func TokenRefused(f *failure.Error) bool {
	return f.Class == failure.Configuration && slices.Contains(tokenCodes, f.Code)
}
