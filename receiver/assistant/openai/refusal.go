// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// Failure codes of refusals.
const (
	codeNoQuota = "insufficient_quota"
	codeNoModel = "model_not_found"
)

// Address implements assistant.Driver: all methods have one address, except transcriptions.
func (Driver) Address(m assistant.Method) assistant.Method {
	if m == assistant.TranscribeAudio {
		return m
	}

	return assistant.ProcessText
}

// Refused implements assistant.Driver. The table of failures is in docs/receiver.md.
func (Driver) Refused(r assistant.Request, response *httpclient.Response) *failure.Error {
	p := readProblem(response.Body)
	e := assistant.Refused(peer, assistant.ProcessText, response) // none of the methods is optional
	e.Op = string(r.Method)
	e.RetryAfter = max(e.RetryAfter, p.retryDelay)

	switch status := response.Status; {
	case p.isQuota():
		e.Class = failure.Configuration
		e.Scope = failure.ScopeAI
		e.Code = codeNoQuota
		e.Text = "the account at the AI has no credit: check its plan and billing"
	case p.isKey():
		e.Class = failure.Configuration
		e.Scope = failure.ScopeAI
		e.Text = "the AI refuses the key: set a new one"
	case p.isPolicy():
		e.Class = failure.Permanent
		e.Scope = failure.ScopeNone
		e.Code = assistant.CodeBadResponse // the person gets the fallback text
		e.Text = "a content filter refuses the message"
	case p.isModel(status):
		e.Class = failure.Configuration
		e.Scope = failure.ScopeAI
		e.Code = codeNoModel
		e.Text = "the AI does not have the model: check openAI.model"
	case p.isTooLong(status):
		e.Code = assistant.CodeTooLong // the person gets the fallback text
		e.Text = "the message is too long for the model"
	case status == http.StatusConflict:
		e.Class = failure.Transient
		e.Text = "the AI is busy"
	case status == http.StatusGone:
		e.Class = failure.Configuration
		e.Scope = failure.ScopeAIMethod
		e.Text = "the AI no longer serves this address or model: check openAI.baseURL and openAI.model"
	}

	if r.Method == assistant.TranscribeAudio {
		asTranscription(e)
	}

	return e
}

// absent are the codes of an address that the server does not have.
var absent = []string{httpclient.StatusCode(http.StatusNotFound), httpclient.StatusCode(http.StatusGone)}

// asTranscription limits a failure to transcriptions: only they wait while the model or the address is wrong. For an audio
// that cannot be transcribed, the AI is asked without its words.
func asTranscription(e *failure.Error) {
	switch {
	case e.Code == codeNoModel:
		e.Scope = failure.ScopeAIMethod
		e.Text = "the AI does not have the model: check openAI.transcriptionModel"
	case e.Class == failure.Configuration && slices.Contains(absent, e.Code):
		e.Scope = failure.ScopeAIMethod
		e.Text = "the AI has no transcriptions: remove openAI.transcriptionModel"
	case e.Class == failure.Permanent:
		e.Code = assistant.CodeNoTranscript
	}
}

// unprocessable are the statuses by which a server refuses a part of a request.
var unprocessable = []int{
	http.StatusBadRequest,
	http.StatusRequestEntityTooLarge,
	http.StatusUnsupportedMediaType,
	http.StatusUnprocessableEntity,
}

// without returns the form of a request without the part that the server has refused. It reports false if there is none.
func (f form) without(refusal *httpclient.Response, r assistant.Request) (form, bool) {
	p := readProblem(refusal.Body)

	isFinal := p.isQuota() || p.isKey() || p.isPolicy() || p.isModel(refusal.Status)
	if isFinal || !slices.Contains(unprocessable, refusal.Status) && !p.isUnrouted(refusal.Status) {
		return f, false
	}

	hasFile := r.Media != nil && !f.noFile
	hasHistory := f.noHistory < len(r.History)
	isLarge := refusal.Status == http.StatusRequestEntityTooLarge

	switch {
	case isLarge && hasFile: // the memory is a small part of such a body
		f.noFile = true
	case p.isTooLong(refusal.Status) && hasHistory && (f.noHistory == 0 || !hasFile):
		f = f.shorter(len(r.History))
	case p.isTooLong(refusal.Status) && hasFile:
		f.noFile = true
	case p.isTooLong(refusal.Status):
		return f, false
	case p.isParameter() && !f.isPlain:
		f.isPlain = true
		f.noTools = f.noTools || p.names("tool")
	case p.names("tool") && !f.noTools:
		f.noTools = true
	case hasFile:
		f.noFile = true
	default:
		return f, false
	}

	return f, true
}

// shorter returns the form with half of the memory of so many turns, after that with a quarter, and then with none.
func (f form) shorter(turns int) form {
	left := turns - f.noHistory
	if 4*left <= turns {
		f.noHistory = turns
	} else {
		f.noHistory += (left + 1) / 2
	}

	return f
}

// The codes and words by which servers say what they refuse, in lower case. Only OpenAI and Azure have codes for most of it.
var (
	quotaCodes = []string{
		"insufficient_quota", "billing_not_active", "billing_hard_limit_reached", "budget_exceeded", "insufficient_balance",
		"arrearage",
	}
	keyCodes    = []string{"invalid_api_key", "api_key_invalid"}
	policyWords = []string{
		"content_filter", "content_policy_violation", "contentpolicyviolation", "responsibleaipolicyviolation",
		"invalid_prompt", "data_inspection_failed",
	}
	modelCodes = []string{
		"model_not_found", "deploymentnotfound", "invalid_model", "modeldeprecated", "model_decommissioned", "model_not_supported",
	}
	lengthWords = []string{
		"context_length_exceeded", "string_above_max_length", "exceed_context_size", "contextwindowexceeded", "context length",
		"context window", "context size", "maximum context", "input token count", "too many tokens", "prompt is too long",
		"input is too long", "reduce the length",
	}
	parameterWords = []string{
		"unsupported_parameter", "unknown_parameter", "unsupported parameter", "unknown parameter", "unrecognized",
		"unknown name", "unknown field", "extra_forbidden", "extra inputs", "max_completion_tokens", "additionalproperties",
		"'strict'", `"strict"`, "`strict`",
	}
)

func (p problem) isQuota() bool {
	return p.code == "402" || slices.Contains(quotaCodes, p.code) || slices.Contains(quotaCodes, p.kind)
}

func (p problem) isKey() bool { return contains(p.codes, keyCodes) }

func (p problem) isPolicy() bool { return p.isFlagged || p.names(policyWords...) }

func (p problem) isTooLong(status int) bool {
	return status == http.StatusRequestEntityTooLarge || status == http.StatusBadRequest && p.names(lengthWords...)
}

// isModel reports whether the server does not have the model. A message counts only where it cannot repeat the person's
// words, since all messages wait for the model then.
func (p problem) isModel(status int) bool {
	if p.isUnrouted(status) {
		return false
	}

	message := strings.TrimSpace(p.message)

	isNamed := false

	switch status {
	case http.StatusNotFound, http.StatusGone:
		isNamed = strings.Contains(message, "model")
	case http.StatusBadRequest: // of OpenRouter, and of DeepSeek
		isNamed = strings.HasSuffix(message, "is not a valid model id") || message == "model not exist"
	}

	return isNamed || contains(p.codes, modelCodes)
}

// isUnrouted reports whether no server of the model takes a part of the request, such as functions or pictures, by the beginning
// of OpenRouter's message, which never repeats the person's words.
func (p problem) isUnrouted(status int) bool {
	return status == http.StatusNotFound && strings.HasPrefix(p.message, "no endpoints found that")
}

func (p problem) isParameter() bool { return p.names(parameterWords...) }
