// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestRefusals checks the class of the refusals of several servers, each with the body that it sends.
func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		body       string
		retryAfter time.Duration
		class      failure.Class
		scope      failure.Scope
		code       string
	}{
		"OpenAI: wrong key": {
			status: 401,
			body:   `{"error":{"message":"Incorrect API key provided: sk-secret.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: "http_401",
		},
		"OpenAI: country": {
			status: 403,
			body:   `{"error":{"code":"unsupported_country_region_territory","message":"m","param":null,"type":"request_forbidden"}}`,
			class:  failure.Configuration, scope: failure.ScopeAIMethod, code: "http_403",
		},
		"OpenAI: no quota": {
			status: 429,
			body:   `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoQuota,
		},
		"OpenAI: rate": {
			status: 429, retryAfter: 7 * time.Second,
			body:  `{"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}}`,
			class: failure.RateLimited, scope: failure.ScopeAI, code: "http_429",
		},
		"OpenAI: unknown model": {
			status: 404,
			body:   `{"error":{"message":"The model 'x' does not exist","type":"invalid_request_error","param":null,"code":"model_not_found"}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoModel,
		},
		"OpenAI: too long": {
			status: 400,
			body:   `{"error":{"message":"maximum context length is 8192","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`,
			class:  failure.Permanent, code: assistant.CodeTooLong,
		},
		"OpenAI: usage policy": {
			status: 400,
			body:   `{"error":{"message":"Invalid prompt: flagged as potentially violating our usage policy.","type":"invalid_request_error","param":null,"code":"invalid_prompt"}}`,
			class:  failure.Permanent, code: assistant.CodeBadResponse,
		},
		"OpenAI: other": {
			status: 400,
			body:   `{"error":{"message":"secret","type":"invalid_request_error","param":"messages","code":"invalid_value"}}`,
			class:  failure.Permanent, code: "http_400",
		},
		"OpenAI: server": {
			status: 500,
			body:   `{"error":{"message":"m","type":"server_error","param":null,"code":null}}`,
			class:  failure.Transient, scope: failure.ScopeAI, code: "http_500",
		},
		"OpenAI: timeout":  {status: 408, class: failure.Transient, scope: failure.ScopeAI, code: "http_408"},
		"OpenAI: conflict": {status: 409, class: failure.Transient, code: "http_409"},
		"Azure: filter": {
			status: 400,
			body:   `{"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}`,
			class:  failure.Permanent, code: assistant.CodeBadResponse,
		},
		"Azure: deployment": {
			status: 404,
			body:   `{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoModel,
		},
		"Azure: retired model": {
			status: 410,
			body:   `{"error":{"code":"ModelDeprecated","message":"The model associated with the deployment is deprecated and no longer available for use."}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoModel,
		},
		"Azure: wrong key": {
			status: 401,
			body:   `{"error":{"code":"401","message":"Access denied due to invalid subscription key."}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: "http_401",
		},
		"Gemini: wrong key": {
			status: 400,
			body:   `[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: "http_400",
		},
		"Gemini: rate": {
			status: 429,
			body: `[{"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED",
				"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"13s"}]}}]`,
			retryAfter: 13 * time.Second,
			class:      failure.RateLimited, scope: failure.ScopeAI, code: "http_429",
		},
		"Gemini: too long": {
			status: 400,
			body:   `[{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed","status":"INVALID_ARGUMENT"}}]`,
			class:  failure.Permanent, code: assistant.CodeTooLong,
		},
		"Groq: retired model": {
			status: 400,
			body:   `{"error":{"message":"The model 'x' has been decommissioned and is no longer supported.","type":"invalid_request_error","code":"model_decommissioned"}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoModel,
		},
		"DeepSeek: unknown model": {
			status: 400,
			body:   `{"error":{"message":"Model Not Exist","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoModel,
		},
		"Alibaba: no credit": {
			status: 400,
			body:   `{"error":{"code":"Arrearage","param":null,"message":"Access denied, please make sure your account is in good standing.","type":"Arrearage"}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoQuota,
		},
		"Ollama: unknown model": {
			status: 404,
			body:   `{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error","param":null,"code":null}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoModel,
		},
		"vLLM: unknown model": {
			status: 404,
			body:   `{"object":"error","message":"The model x does not exist.","type":"NotFoundError","param":null,"code":404}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoModel,
		},
		"vLLM: too long": {
			status: 400,
			body:   `{"error":{"message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError","param":null,"code":400}}`,
			class:  failure.Permanent, code: assistant.CodeTooLong,
		},
		"llama.cpp: too long": {
			status: 400,
			body:   `{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}`,
			class:  failure.Permanent, code: assistant.CodeTooLong,
		},
		"LiteLLM: policy": {
			status: 400,
			body:   `{"error":{"message":"litellm.BadRequestError: litellm.ContentPolicyViolationError: m","type":null,"param":null,"code":"400"}}`,
			class:  failure.Permanent, code: assistant.CodeBadResponse,
		},
		"LiteLLM: budget": {
			status: 400,
			body:   `{"error":{"message":"Budget has been exceeded!","type":"budget_exceeded","param":null,"code":"400"}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoQuota,
		},
		"OpenRouter: no credit": {
			status: 402,
			body:   `{"error":{"code":402,"message":"Insufficient credits"}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoQuota,
		},
		"OpenRouter: moderation": {
			status: 403,
			body:   `{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"],"flagged_input":"secret"}}}`,
			class:  failure.Permanent, code: assistant.CodeBadResponse,
		},
		"OpenRouter: unknown model": {
			status: 400,
			body:   `{"error":{"message":"foo/bar is not a valid model ID","code":400}}`,
			class:  failure.Configuration, scope: failure.ScopeAI, code: codeNoModel,
		},
		"OpenRouter: nothing takes the question": {
			status: 404,
			body:   `{"error":{"message":"No endpoints found that support a model's input","code":404}}`,
			class:  failure.Configuration, scope: failure.ScopeAIMethod, code: "http_404",
		},
		"no API at the address": {
			status: 404, body: "<html>not found</html>",
			class: failure.Configuration, scope: failure.ScopeAIMethod, code: "http_404",
		},
		"no API at the address any more": {
			status: 410, body: "<html>gone</html>",
			class: failure.Configuration, scope: failure.ScopeAIMethod, code: "http_410",
		},
		"a firewall": {
			status: 403, body: "<html>request blocked</html>",
			class: failure.Configuration, scope: failure.ScopeAIMethod, code: "http_403",
		},
		"redirect": {status: 308, class: failure.Configuration, scope: failure.ScopeAI, code: "http_308"},
		"the person's words name no model": {
			status: 400,
			body:   `{"error":{"message":"Unexpected text: model not exist","type":"invalid_request_error","param":null,"code":"invalid_value"}}`,
			class:  failure.Permanent, code: "http_400",
		},
		"the person's words do not name a cause": {
			status: 422,
			body:   `{"detail":[{"loc":["body"],"msg":"bad","input":"invalid_api_key model_not_found insufficient_quota"}]}`,
			class:  failure.Permanent, code: "http_422",
		},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			f := Driver{}.Refused(textRequest("hola"), &httpclient.Response{
				Status:     c.status,
				Header:     header,
				Body:       []byte(c.body),
				RetryAfter: c.retryAfter,
			})

			if f.Class != c.class || f.Scope != c.scope || f.Code != c.code || f.RetryAfter != c.retryAfter {
				t.Errorf("failure = %+v, want %s, scope %q, code %s", f, c.class, c.scope, c.code)
			}

			if strings.Contains(f.Error(), "secret") {
				t.Errorf("the failure repeats the body: %s", f.Error())
			}
		})
	}
}

// TestErrorsOfStatus200 checks the failures that servers report in a success, as OpenRouter does those of a model's provider.
func TestErrorsOfStatus200(t *testing.T) {
	for body, want := range map[string]failure.Class{
		`{"error":{"code":429,"message":"m"}}`:                                                          failure.RateLimited,
		`{"error":{"code":502,"message":"m"}}`:                                                          failure.Transient,
		`{"error":{"message":"m"}}`:                                                                     failure.Transient,
		`{"error":"m"}`:                                                                                 failure.Transient,
		`{"error":{"code":"insufficient_quota"}}`:                                                       failure.Configuration,
		`[{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}]`:                          failure.RateLimited,
		`{"object":"error","message":"m","type":"overloaded","code":503}`:                               failure.Transient,
		`{"choices":[{"message":{"content":""},"error":{"code":503,"message":"m"}}]}`:                   failure.Transient,
		`{"choices":[{"error":{"code":403,"message":"m","metadata":{"reasons":["violence"]}}}]}`:        failure.Permanent,
		`{"choices":[{"message":{"content":"ho"},"finish_reason":"error","error":{"code":"timeout"}}]}`: failure.Transient,
	} {
		_, err := answerOf(body)
		if f := failure.Of(err); err == nil || f.Class != want || f.Op != string(assistant.ProcessText) {
			t.Errorf("%s: failure = %+v, want %s", body, f, want)
		}
	}
}

// TestOtherRefusalsAreFinal checks that nothing is sent again that would be refused again.
func TestOtherRefusalsAreFinal(t *testing.T) {
	for name, refusal := range map[string]standin.OpenAIError{
		"quota":     standin.OpenAINoQuota,
		"rate":      standin.OpenAIRateLimited,
		"overload":  standin.OpenAIOverloaded,
		"filter":    standin.AzureFiltered,
		"other 400": {Message: "Something else."},
	} {
		server := serverOf(t, standin.OpenAIOptions{Reply: func(standin.ChatCall) any { return refusal }})

		request := textRequest("hola")
		request.History = []assistant.HistoryMessage{{Role: assistant.FromPerson, Text: "a"}}

		if _, err := aiOf(t, server, nil).Ask(t.Context(), request); err == nil {
			t.Errorf("%s: no error", name)
		}

		if n := len(server.Asked()); n != 1 {
			t.Errorf("%s: asked %d times, want once", name, n)
		}
	}
}

func FuzzRefused(f *testing.F) {
	f.Add(400, []byte(`[{"error":{"code":400,"details":[{"reason":"API_KEY_INVALID","retryDelay":"1s"}]}}]`))
	f.Add(403, []byte(`{"error":{"metadata":{"reasons":[]}}}`))
	f.Add(422, []byte(`{"detail":[{"msg":"secret"}]}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		response := &httpclient.Response{Status: status, Body: body}

		failed := Driver{}.Refused(textRequest("hola"), response)
		if !slices.Contains(failure.Classes, failed.Class) || len(failed.Text) > 200 || failed.RetryAfter < 0 {
			t.Errorf("failure = %+v", failed)
		}

		if smaller, ok := (form{}).without(response, textRequest("hola")); ok && smaller == (form{}) {
			t.Error("the request is repeated as it was")
		}
	})
}
