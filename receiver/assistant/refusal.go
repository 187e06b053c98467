// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// Failure codes of calls to the AI, besides those of package httpclient.
const (
	CodeNoAccessKey = "no_access_key"
	CodeBadRequest  = "bad_request"
	CodeBadResponse = "bad_response" // the answer does not follow the contract
	CodeNoMedia     = "no_media"     // the downloaded file cannot be read
	CodeNoMethod    = "no_method"    // the bridge lacks an optional method

	CodeTooLong        = "context_length_exceeded" // the model cannot take so long a question
	CodeNoTranscript   = "no_transcript"           // the AI cannot turn this audio into text
	CodeNoInstructions = "no_instructions"         // the file with the instructions cannot be used
)

// inProgressDelay is the minimum wait while the AI processes a call with the same Idempotency-Key.
const inProgressDelay = 30 * time.Second

// notImplemented are the statuses of a bridge that lacks a method.
var notImplemented = []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}

// Refused classifies a response other than 2xx by the contract's table of failures.
func Refused(peer Peer, m Method, response *httpclient.Response) *failure.Error {
	status := response.Status
	class, scope, text := classify(peer, status)

	e := &failure.Error{
		Class:      class,
		Scope:      scope,
		Op:         string(m),
		Code:       httpclient.StatusCode(status),
		Text:       text,
		RetryAfter: response.RetryAfter,
	}

	if status == http.StatusConflict && inProgress(response.Body) {
		e.Class = failure.Transient
		e.Text = peer.Name + " is still processing this message"
		e.RetryAfter = max(e.RetryAfter, inProgressDelay)
	}

	if m.IsOptional() && slices.Contains(notImplemented, status) {
		e.Class = failure.Permanent
		e.Scope = failure.ScopeNone
		e.Code = CodeNoMethod
		e.Text = peer.Name + " does not implement this optional method"
	}

	if code := errorCode(response.Body); code != "" {
		e.Text += " [" + code + "]"
	}

	return e
}

// classify returns the class, the scope and the text of a status.
func classify(peer Peer, status int) (class failure.Class, scope failure.Scope, text string) {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return failure.Transient, failure.ScopeAI, peer.Name + " is busy"
	case http.StatusTooManyRequests:
		return failure.RateLimited, failure.ScopeAI, peer.Name + " limits the rate of requests"
	case http.StatusUnauthorized:
		return failure.Configuration, failure.ScopeAI, peer.Name + " refuses the access key: set a new one"
	case http.StatusPaymentRequired:
		return failure.Configuration, failure.ScopeAI, peer.Name + " asks for payment: check the workspace's plan"
	case http.StatusForbidden:
		return failure.Configuration, failure.ScopeAIMethod, peer.Name + " denies access: check the access key's rights"
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return failure.Configuration, failure.ScopeAIMethod, peer.Name + " does not implement this method: implement or disable it"
	case http.StatusNotFound:
		return failure.Configuration, failure.ScopeAIMethod,
			peer.Name + " does not serve this path: check " + peer.Setting + " and the method's path"
	case http.StatusRequestEntityTooLarge:
		return failure.Permanent, failure.ScopeNone, "the message is too large for " + peer.Name
	}

	switch {
	case status >= 500: // proxies have their own codes for an unavailable origin
		return failure.Transient, failure.ScopeAI, peer.Name + " is unavailable"
	case status >= 300 && status <= 399:
		return failure.Configuration, failure.ScopeAI,
			peer.Name + " redirects, and redirects are not followed: set " + peer.Setting + " to the final address"
	}

	return failure.Permanent, failure.ScopeNone, peer.Name + " refuses the message"
}

// inProgress reports whether a 409 means that the AI is processing a call with the same Idempotency-Key.
func inProgress(body []byte) bool {
	return bytes.Contains(body, []byte("E01004")) || bytes.Contains(bytes.ToLower(body), []byte("in progress"))
}

var (
	codeForm   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}$`)
	longNumber = regexp.MustCompile(`[0-9]{6}`)
)

// errorCode returns the code, or else the type, of an error body in any of its forms, or "". It accepts only values that
// look like a code: messages can contain the person's words, and long numbers can be phone numbers.
func errorCode(body []byte) string {
	type problem struct {
		Code json.RawMessage `json:"code"`
		Type json.RawMessage `json:"type"`
	}

	var outer struct {
		problem
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return ""
	}

	var inner problem

	_ = json.Unmarshal(outer.Error, &inner) // unless the error is an object it has no code
	for _, raw := range []json.RawMessage{inner.Code, outer.Code, inner.Type, outer.Type} {
		code := string(bytes.Trim(raw, `"`))
		if code != "null" && codeForm.MatchString(code) && !longNumber.MatchString(code) {
			return code
		}
	}

	return ""
}

func badResponse(m Method, text string) *failure.Error {
	return &failure.Error{
		Class: failure.Permanent,
		Op:    string(m),
		Code:  CodeBadResponse,
		Text:  text,
	}
}
