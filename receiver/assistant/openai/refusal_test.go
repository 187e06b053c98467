// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
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
			class:  failure.Configuration, scope: failure.ScopeBird, code: "http_401",
		},
		"OpenAI: country": {
			status: 403,
			body:   `{"error":{"code":"unsupported_country_region_territory","message":"m","param":null,"type":"request_forbidden"}}`,
			class:  failure.Configuration, scope: failure.ScopeBird, code: "http_403",
		},
		"OpenAI: no quota": {
			status: 429,
			body:   `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`,
			class:  failure.Configuration, scope: failure.ScopeBird, code: codeNoQuota,
		},
		"OpenAI: rate": {
			status: 429, retryAfter: 7 * time.Second,
			body:  `{"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}}`,
			class: failure.RateLimited, scope: failure.ScopeBird, code: "http_429",
		},
		"OpenAI: unknown model": {
			status: 404,
			body:   `{"error":{"message":"The model 'x' does not exist","type":"invalid_request_error","param":null,"code":"model_not_found"}}`,
			class:  failure.Configuration, scope: failure.ScopeBird, code: codeNoModel,
		},
		"OpenAI: too long": {
			status: 400,
			body:   `{"error":{"message":"maximum context length is 8192","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`,
			class:  failure.Permanent, code: codeTooLong,
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
			class:  failure.Transient, scope: failure.ScopeBird, code: "http_500",
		},
		"OpenAI: timeout":  {status: 408, class: failure.Transient, scope: failure.ScopeBird, code: "http_408"},
		"OpenAI: conflict": {status: 409, class: failure.Transient, code: "http_409"},
		"Azure: filter": {
			status: 400,
			body:   `{"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}`,
			class:  failure.Permanent, code: assistant.CodeBadResponse,
		},
		"Azure: deployment": {
			status: 404,
			body:   `{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}`,
			class:  failure.Configuration, scope: failure.ScopeBird, code: codeNoModel,
		},
		"Azure: wrong key": {
			status: 401,
			body:   `{"error":{"code":"401","message":"Access denied due to invalid subscription key."}}`,
			class:  failure.Configuration, scope: failure.ScopeBird, code: "http_401",
		},
		"Gemini: wrong key": {
			status: 400,
			body:   `[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]`,
			class:  failure.Configuration, scope: failure.ScopeBird, code: "http_400",
		},
		"Gemini: rate": {
			status: 429,
			body: `[{"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED",
				"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"13s"}]}}]`,
			retryAfter: 13 * time.Second,
			class:      failure.RateLimited, scope: failure.ScopeBird, code: "http_429",
		},
		"Gemini: too long": {
			status: 400,
			body:   `[{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed","status":"INVALID_ARGUMENT"}}]`,
			class:  failure.Permanent, code: codeTooLong,
		},
		"Ollama: unknown model": {
			status: 404,
			body:   `{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error","param":null,"code":null}}`,
			class:  failure.Configuration, scope: failure.ScopeBird, code: codeNoModel,
		},
		"vLLM: unknown model": {
			status: 404,
			body:   `{"object":"error","message":"The model x does not exist.","type":"NotFoundError","param":null,"code":404}`,
			class:  failure.Configuration, scope: failure.ScopeBird, code: codeNoModel,
		},
		"vLLM: too long": {
			status: 400,
			body:   `{"error":{"message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError","param":null,"code":400}}`,
			class:  failure.Permanent, code: codeTooLong,
		},
		"llama.cpp: too long": {
			status: 400,
			body:   `{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}`,
			class:  failure.Permanent, code: codeTooLong,
		},
		"LiteLLM: policy": {
			status: 400,
			body:   `{"error":{"message":"litellm.BadRequestError: litellm.ContentPolicyViolationError: m","type":null,"param":null,"code":"400"}}`,
			class:  failure.Permanent, code: assistant.CodeBadResponse,
		},
		"LiteLLM: budget": {
			status: 400,
			body:   `{"error":{"message":"Budget has been exceeded!","type":"budget_exceeded","param":null,"code":"400"}}`,
			class:  failure.Configuration, scope: failure.ScopeBird, code: codeNoQuota,
		},
		"OpenRouter: no credit": {
			status: 402,
			body:   `{"error":{"code":402,"message":"Insufficient credits"}}`,
			class:  failure.Configuration, scope: failure.ScopeBird, code: codeNoQuota,
		},
		"OpenRouter: moderation": {
			status: 403,
			body:   `{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"],"flagged_input":"secret"}}}`,
			class:  failure.Permanent, code: assistant.CodeBadResponse,
		},
		"OpenRouter: unknown model": {
			status: 400,
			body:   `{"error":{"message":"foo/bar is not a valid model ID","code":400}}`,
			class:  failure.Configuration, scope: failure.ScopeBird, code: codeNoModel,
		},
		"no API at the address": {
			status: 404, body: "<html>not found</html>",
			class: failure.Configuration, scope: failure.ScopeBird, code: "http_404",
		},
		"redirect": {status: 308, class: failure.Configuration, scope: failure.ScopeBird, code: "http_308"},
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

// TestErrorsOfStatus200 checks the failures of a model's provider that OpenRouter reports in a success.
func TestErrorsOfStatus200(t *testing.T) {
	for body, want := range map[string]failure.Class{
		`{"error":{"code":429,"message":"m"}}`:    failure.RateLimited,
		`{"error":{"code":502,"message":"m"}}`:    failure.Transient,
		`{"error":{"message":"m"}}`:               failure.Transient,
		`{"error":"m"}`:                           failure.Transient,
		`{"error":{"code":"insufficient_quota"}}`: failure.Configuration,
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

// refuseOnce answers the first request with an error and the others with a text, and keeps the bodies.
type refuseOnce struct {
	status int
	body   string
	always bool
	asked  []map[string]any
}

func (s *refuseOnce) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body map[string]any

	content, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(content, &body) // checked by the callers
	s.asked = append(s.asked, body)

	if len(s.asked) == 1 || s.always {
		w.WriteHeader(s.status)
		w.Write([]byte(s.body))

		return
	}

	w.Write([]byte(`{"choices":[{"message":{"content":"hola"}}]}`))
}

func message400(text string) string {
	body, _ := json.Marshal(map[string]any{"error": map[string]any{"message": text, "type": "invalid_request_error", "code": nil}})

	return string(body)
}

// TestARefusedPartIsLeftOut checks that a question is asked once more without what the server cannot take.
func TestARefusedPartIsLeftOut(t *testing.T) {
	without := func(names ...string) func(map[string]any) bool {
		return func(body map[string]any) bool {
			return !slices.ContainsFunc(names, func(name string) bool { _, has := body[name]; return has })
		}
	}
	isPlain := func(body map[string]any) bool {
		encoded, _ := json.Marshal(body)

		return without("user", "max_completion_tokens")(body) && body["max_tokens"] == 800.0 && body["tools"] != nil &&
			!strings.Contains(string(encoded), "strict") && !strings.Contains(string(encoded), "additionalProperties")
	}
	isWithoutFile := func(body map[string]any) bool {
		messages, _ := body["messages"].([]any)
		last, _ := messages[len(messages)-1].(map[string]any)

		return last["content"] == "[photo]" && body["tools"] != nil
	}

	for name, c := range map[string]struct {
		status int
		body   string
		want   func(map[string]any) bool
	}{
		"Mistral: the name of the limit": {
			422, `{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted"}]}`, isPlain,
		},
		"OpenAI: a parameter": {
			400, `{"error":{"message":"m","type":"invalid_request_error","param":"user","code":"unknown_parameter"}}`, isPlain,
		},
		"Gemini: a parameter":        {400, `[{"error":{"code":400,"message":"Unknown name \"user\": Cannot find field.","status":"INVALID_ARGUMENT"}}]`, isPlain},
		"Ollama: tools":              {400, message400("registry.ollama.ai/library/gemma:2b does not support tools"), without("tools")},
		"vLLM: tools":                {400, message400(`"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set`), without("tools")},
		"vLLM: pictures":             {400, message400("At most 0 image(s) may be provided in one prompt."), isWithoutFile},
		"Ollama: a kind of part":     {400, message400("invalid message format"), isWithoutFile},
		"a proxy: the size":          {413, "too large", isWithoutFile},
		"DeepSeek: the kind of part": {422, message400("unknown variant `image_url`, expected `text`"), isWithoutFile},
	} {
		t.Run(name, func(t *testing.T) {
			server := &refuseOnce{status: c.status, body: c.body}
			ai := aiOf(t, server, func(o *config.OpenAI) { o.MaxOutputTokens = 800 })

			if _, err := ai.Ask(t.Context(), assistant.Request{
				Method: assistant.ProcessImage,
				Text:   "[photo]",
				Media:  mediaOf("image/png", "", "abc"),
				Body:   assistant.ImageMessage{Common: common},
			}); err != nil {
				t.Fatal(err)
			}

			if len(server.asked) != 2 || !c.want(server.asked[1]) {
				t.Errorf("the question was asked %d times, at last as %v", len(server.asked), server.asked[len(server.asked)-1])
			}
		})
	}
}

// TestALongHistoryIsHalvedOnce checks that a question whose history does not fit is asked once more with the newer half.
func TestALongHistoryIsHalvedOnce(t *testing.T) {
	request := textRequest("¿Y hoy?")
	for range 5 {
		request.History = append(request.History,
			assistant.Turn{Role: assistant.FromPerson, Text: strings.Repeat("a", 400)},
			assistant.Turn{Role: assistant.FromAI, Text: strings.Repeat("b", 400)})
	}

	for tokens, want := range map[int]int{
		10_000: 12, // the system message and the question besides
		700:    6,  // the first of the newer turns is an answer, which is left out
	} {
		server := serverOf(t, standin.OpenAIOptions{ContextTokens: tokens})
		if _, err := aiOf(t, server, nil).Ask(t.Context(), request); err != nil {
			t.Fatalf("%d tokens: %v", tokens, err)
		}

		if got := len(server.Asked()[0].Messages); got != want {
			t.Errorf("%d tokens: the model got %d messages, want %d", tokens, got, want)
		}
	}

	server := &refuseOnce{status: 400, body: message400("maximum context length"), always: true}

	_, err := aiOf(t, server, nil).Ask(t.Context(), request)
	if f := failure.Of(err); f.Class != failure.Permanent || f.Code != codeTooLong || len(server.asked) != 2 {
		t.Errorf("failure = %+v after %d requests, want %s after 2", f, len(server.asked), codeTooLong)
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
		request.History = []assistant.Turn{{Role: assistant.FromPerson, Text: "a"}}

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
