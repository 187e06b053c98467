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

// inProgressWait is the minimum wait while the AI processes a call with the same Idempotency-Key.
const inProgressWait = 30 * time.Second

// notImplemented are the statuses of a bridge that lacks a method.
var notImplemented = []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}

// Refused classifies a response other than 2xx by the contract's table of failures.
func Refused(peer Peer, m Method, response *httpclient.Response) *failure.Error {
	status := response.Status

	e := &failure.Error{
		Op:         string(m),
		Code:       httpclient.StatusCode(status),
		Class:      failure.Permanent,
		Text:       peer.Name + " refuses the message",
		RetryAfter: response.RetryAfter,
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly:
		e.Class = failure.Transient
		e.Scope = failure.ScopeAI
		e.Text = peer.Name + " is busy"
	case http.StatusTooManyRequests:
		e.Class = failure.RateLimited
		e.Scope = failure.ScopeAI
		e.Text = peer.Name + " limits the rate of requests"
	case http.StatusUnauthorized:
		e.Class = failure.Configuration
		e.Scope = failure.ScopeAI
		e.Text = peer.Name + " refuses the access key: set a new one"
	case http.StatusPaymentRequired:
		e.Class = failure.Configuration
		e.Scope = failure.ScopeAI
		e.Text = peer.Name + " asks for payment: check the workspace's plan"
	case http.StatusForbidden:
		e.Class = failure.Configuration
		e.Scope = failure.ScopeAIMethod
		e.Text = peer.Name + " denies access: check the access key's rights"
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		e.Class = failure.Configuration
		e.Scope = failure.ScopeAIMethod
		e.Text = peer.Name + " does not implement this method: implement or disable it"
	case http.StatusNotFound:
		e.Class = failure.Configuration
		e.Scope = failure.ScopeAIMethod
		e.Text = peer.Name + " does not serve this path: check " + peer.Setting + " and the method's path"
	case http.StatusRequestEntityTooLarge:
		e.Text = "the message is too large for " + peer.Name
	case http.StatusConflict:
		if inProgress(response.Body) {
			e.Class = failure.Transient
			e.Text = peer.Name + " is still processing this message"
			e.RetryAfter = max(e.RetryAfter, inProgressWait)
		}
	default:
		switch {
		case status >= 500: // proxies have their own codes for an unavailable origin
			e.Class = failure.Transient
			e.Scope = failure.ScopeAI
			e.Text = peer.Name + " is unavailable"
		case status >= 300 && status <= 399:
			e.Class = failure.Configuration
			e.Scope = failure.ScopeAI
			e.Text = peer.Name + " redirects, and redirects are not followed: set " + peer.Setting + " to the final address"
		}
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
