// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
)

// OpenAIError is an error of OpenAI.
//
// Source: https://platform.openai.com/docs/guides/error-codes
type OpenAIError struct {
	// Status defaults to 400.
	Status  int
	Message string
	// Type defaults to invalid_request_error.
	Type string
	// Param and Code are null if empty.
	Param, Code string
	// RetryAfter is the Retry-After header; empty sends none.
	RetryAfter string
}

// The errors of OpenAI that do not depend on the request.
var (
	// OpenAIRateLimited asks the client to wait for a second.
	OpenAIRateLimited = OpenAIError{
		Status: http.StatusTooManyRequests,
		Message: "Rate limit reached for gpt-test in organization org-test on requests per min (RPM): Limit 3, Used 3, Requested 1. " +
			"Please try again in 1s. Visit https://platform.openai.com/account/rate-limits to learn more.",
		Type:       "requests",
		Code:       "rate_limit_exceeded",
		RetryAfter: "1",
	}
	// OpenAINoQuota says that the account has no credit. Waiting does not help.
	OpenAINoQuota = OpenAIError{
		Status: http.StatusTooManyRequests,
		Message: "You exceeded your current quota, please check your plan and billing details. For more information on this error, " +
			"read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
		Type: "insufficient_quota",
		Code: "insufficient_quota",
	}
	// OpenAIServerError is a failure of OpenAI itself.
	OpenAIServerError = OpenAIError{
		Status:  http.StatusInternalServerError,
		Message: "The server had an error while processing your request. Sorry about that!",
		Type:    "server_error",
	}
	// OpenAIOverloaded says that a model has no capacity.
	OpenAIOverloaded = OpenAIError{
		Status:  http.StatusServiceUnavailable,
		Message: "The engine is currently overloaded, please try again later",
		Type:    "server_error",
	}
	// AzureFiltered is Azure's refusal of a prompt.
	//
	// Source: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
	AzureFiltered = OpenAIError{
		Message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. " +
			"Please modify your prompt and retry.",
		Param: "prompt",
		Code:  "content_filter",
	}
)

// Error implements error.
func (e OpenAIError) Error() string { return e.Message }

func (e OpenAIError) status() int { return cmp.Or(e.Status, http.StatusBadRequest) }

func (e OpenAIError) body() any {
	orNull := func(text string) any {
		if text == "" {
			return nil
		}

		return text
	}

	return map[string]any{"error": map[string]any{
		"message": e.Message,
		"type":    cmp.Or(e.Type, "invalid_request_error"),
		"param":   orNull(e.Param),
		"code":    orNull(e.Code),
	}}
}

func (e OpenAIError) write(w http.ResponseWriter) {
	if e.RetryAfter != "" {
		w.Header().Set("Retry-After", e.RetryAfter)
	}

	writeJSON(w, e.status(), e.body())
}

// Fault returns the fault that answers with the error.
func (e OpenAIError) Fault() Fault {
	body, err := json.Marshal(e.body())
	if err != nil {
		panic(err) // a map of strings
	}

	return Fault{
		Status:     e.status(),
		Body:       string(body),
		RetryAfter: e.RetryAfter,
	}
}

func invalidKey(key string) OpenAIError {
	if key == "" {
		return OpenAIError{
			Status: http.StatusUnauthorized,
			Message: "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
				"(i.e. Authorization: Bearer YOUR_KEY).",
		}
	}

	return OpenAIError{
		Status:  http.StatusUnauthorized,
		Message: "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.",
		Code:    "invalid_api_key",
	}
}

func unknownModel(model string) OpenAIError {
	return OpenAIError{
		Status:  http.StatusNotFound,
		Message: fmt.Sprintf("The model %#q does not exist or you do not have access to it.", model),
		Code:    "model_not_found",
	}
}

func invalidJSON(err error) OpenAIError {
	return OpenAIError{Message: fmt.Sprintf("We could not parse the JSON body of your request. (%v)", err)}
}

func missingParameter(param string) OpenAIError {
	return OpenAIError{
		Message: fmt.Sprintf("Missing required parameter: '%s'.", param),
		Param:   param,
		Code:    "missing_required_parameter",
	}
}

func unknownParameter(param string) OpenAIError {
	return OpenAIError{
		Message: fmt.Sprintf("Unknown parameter: '%s'.", param),
		Param:   param,
		Code:    "unknown_parameter",
	}
}

func invalidType(param, want string) OpenAIError {
	return OpenAIError{
		Message: fmt.Sprintf("Invalid type for '%s': expected %s.", param, want),
		Param:   param,
		Code:    "invalid_type",
	}
}

func invalidValue(param, problem string) OpenAIError {
	return OpenAIError{
		Message: fmt.Sprintf("Invalid '%s': %s", param, problem),
		Param:   param,
		Code:    "invalid_value",
	}
}

func contextExceeded(limit, used int) OpenAIError {
	return OpenAIError{
		Message: fmt.Sprintf("This model's maximum context length is %d tokens. However, your messages resulted in %d tokens. "+
			"Please reduce the length of the messages.", limit, used),
		Param: "messages",
		Code:  "context_length_exceeded",
	}
}
