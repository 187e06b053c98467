// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// chatBody returns a request for a chat completion with the messages, and with further parameters.
func chatBody(messages, further string) string {
	return `{"model":"gpt-test","messages":[` + messages + `]` + further + `}`
}

const (
	userHi    = `{"role":"user","content":"hi"}`
	handOff   = `{"type":"function","function":{"name":"hand_off_to_human","parameters":{"type":"object","properties":{"reason":{"type":"string"}}}}}`
	choices   = `{"type":"function","function":{"name":"offer_choices","parameters":{"type":"object","properties":{"options":{"type":"array","items":{"type":"string"}}}}}}`
	bothTools = `,"tools":[` + handOff + `,` + choices + `]`
)

func TestChatIsValidated(t *testing.T) {
	openAI := NewOpenAI(OpenAIOptions{Keys: []string{"key"}, ContextTokens: 50})
	url, client := start(t, openAI)

	call := `{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}`
	user := func(parts string) string { return chatBody(`{"role":"user","content":[`+parts+`]}`, "") }

	for _, tc := range []struct {
		name, body, code string
		status           int
	}{
		{name: "text", body: chatBody(userHi, ""), status: 200},
		{name: "roles", body: chatBody(`{"role":"system","content":"s"},{"role":"developer","content":"d"},{"role":"assistant","content":"a"},`+userHi, ""), status: 200},
		{name: "parameters", body: chatBody(userHi, `,"max_completion_tokens":5,"user":"u","tool_choice":"auto","parallel_tool_calls":false`+bothTools), status: 200},
		{name: "no model", body: `{"messages":[` + userHi + `]}`, status: 400},
		{name: "unknown model", body: `{"model":"m","messages":[` + userHi + `]}`, status: 404, code: "model_not_found"},
		{name: "no messages", body: `{"model":"gpt-test"}`, status: 400, code: "missing_required_parameter"},
		{name: "empty messages", body: chatBody("", ""), status: 400, code: "empty_array"},
		{name: "unknown parameter", body: chatBody(userHi, `,"max_output_tokens":5`), status: 400, code: "unknown_parameter"},
		{name: "no tokens", body: chatBody(userHi, `,"max_completion_tokens":0`), status: 400, code: "invalid_value"},
		{name: "streamed", body: chatBody(userHi, `,"stream":true`), status: 400, code: "unsupported_value"},
		{name: "no role", body: chatBody(`{"content":"hi"}`, ""), status: 400, code: "missing_required_parameter"},
		{name: "unknown role", body: chatBody(`{"role":"human","content":"hi"}`, ""), status: 400, code: "invalid_value"},
		{name: "no content", body: chatBody(`{"role":"user"}`, ""), status: 400},
		{name: "content of another type", body: chatBody(`{"role":"user","content":5}`, ""), status: 400, code: "invalid_type"},
		{name: "no parts", body: user(""), status: 400, code: "empty_array"},
		{name: "picture", body: user(`{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,AAAA"}}`), status: 200},
		{name: "linked picture", body: user(`{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}`), status: 200},
		{name: "picture of another type", body: user(`{"type":"image_url","image_url":{"url":"data:image/tiff;base64,AAAA"}}`), status: 400, code: "invalid_image_format"},
		{name: "picture not in base64", body: user(`{"type":"image_url","image_url":{"url":"data:image/png;base64,*"}}`), status: 400, code: "invalid_value"},
		{name: "picture without a URL", body: user(`{"type":"image_url"}`), status: 400, code: "missing_required_parameter"},
		{name: "picture of the system", body: chatBody(`{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://a"}}]}`, ""), status: 400, code: "invalid_value"},
		{name: "file", body: user(`{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}}`), status: 200},
		{name: "file of another type", body: user(`{"type":"file","file":{"filename":"a.txt","file_data":"data:text/plain;base64,AAAA"}}`), status: 400, code: "invalid_value"},
		{name: "file without a name", body: user(`{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA"}}`), status: 400, code: "missing_required_parameter"},
		{name: "unknown part", body: user(`{"type":"video_url"}`), status: 400, code: "invalid_value"},
		{name: "too long", body: chatBody(`{"role":"user","content":"`+strings.Repeat("a", 300)+`"}`, ""), status: 400, code: "context_length_exceeded"},
		{name: "tool call and its result", body: chatBody(userHi+`,{"role":"assistant","content":null,"tool_calls":[`+call+`]},{"role":"tool","tool_call_id":"c1","content":"ok"}`, ""), status: 200},
		{name: "tool call without a result", body: chatBody(`{"role":"assistant","content":null,"tool_calls":[`+call+`]},`+userHi, ""), status: 400},
		{name: "tool call at the end", body: chatBody(userHi+`,{"role":"assistant","tool_calls":[`+call+`]}`, ""), status: 400},
		{name: "result without a call", body: chatBody(userHi+`,{"role":"tool","tool_call_id":"c1","content":"ok"}`, ""), status: 400},
		{name: "tool of another type", body: chatBody(userHi, `,"tools":[{"type":"search"}]`), status: 400, code: "invalid_value"},
		{name: "tool with a wrong name", body: chatBody(userHi, `,"tools":[{"type":"function","function":{"name":"a b"}}]`), status: 400, code: "invalid_value"},
		{name: "tool without an object", body: chatBody(userHi, `,"tools":[{"type":"function","function":{"name":"a","parameters":{"type":"string"}}}]`), status: 400, code: "invalid_function_parameters"},
		{name: "array without items", body: chatBody(userHi, `,"tools":[{"type":"function","function":{"name":"a","parameters":{"type":"object","properties":{"b":{"type":"array"}}}}}]`), status: 400, code: "invalid_function_parameters"},
		{name: "strict tool with an optional property", body: chatBody(userHi, `,"tools":[{"type":"function","function":{"name":"a","strict":true,"parameters":{"type":"object","additionalProperties":false,"properties":{"b":{"type":"string"}}}}}]`), status: 400, code: "invalid_function_parameters"},
		{name: "strict tool with more", body: chatBody(userHi, `,"tools":[{"type":"function","function":{"name":"a","strict":true,"parameters":{"type":"object","properties":{}}}}]`), status: 400, code: "invalid_function_parameters"},
		{name: "no JSON", body: `{"model"`, status: 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, answer := do(t, client, request(t, http.MethodPost, url+"/v1/chat/completions", tc.body, "Authorization", "Bearer key"))

			problem, _ := object(t, answer)["error"].(map[string]any)
			code, _ := problem["code"].(string)

			if status != tc.status || code != tc.code {
				t.Errorf("%d %s, want %d %q", status, answer, tc.status, tc.code)
			}
		})
	}
}

func TestOpenAIRefusesCalls(t *testing.T) {
	openAI := NewOpenAI(OpenAIOptions{Keys: []string{"key"}, BasePath: "/openai/v1/"})
	url, client := start(t, openAI)

	for _, tc := range []struct {
		name, method, path, header, value, code string
		status                                  int
	}{
		{name: "bearer", header: "Authorization", value: "Bearer key", status: 200},
		{name: "api-key", header: "api-key", value: "key", status: 200},
		{name: "wrong key", header: "Authorization", value: "Bearer other", status: 401, code: "invalid_api_key"},
		{name: "no key", header: "X-API-Key", value: "key", status: 401},
		{name: "another path", path: "/v1/chat/completions", header: "api-key", value: "key", status: 404},
		{name: "GET", method: http.MethodGet, header: "api-key", value: "key", status: 405, code: "method_not_supported"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := "/openai/v1/chat/completions"
			if tc.path != "" {
				path = tc.path
			}

			method := http.MethodPost
			if tc.method != "" {
				method = tc.method
			}

			status, answer := do(t, client, request(t, method, url+path, chatBody(userHi, ""), tc.header, tc.value))

			problem, _ := object(t, answer)["error"].(map[string]any)
			if code, _ := problem["code"].(string); status != tc.status || code != tc.code {
				t.Errorf("%d %s, want %d %q", status, answer, tc.status, tc.code)
			}
		})
	}
}

func TestChatReplies(t *testing.T) {
	openAI := NewOpenAI(OpenAIOptions{NoKey: true})
	url, client := start(t, openAI)

	type choice struct {
		Content, Refusal any
		Calls            []any
		Finish           string
	}

	call := func(name, arguments string) []any {
		return []any{map[string]any{"name": name, "arguments": arguments}}
	}

	for text, want := range map[string]choice{
		"hi":           {Content: "You said: hi", Finish: "stop"},
		WantsPerson:    {Content: "One moment, a colleague will write to you.", Calls: call("hand_off_to_human", `{"reason":"the customer asked for a person"}`), Finish: "tool_calls"},
		WantsChoices:   {Calls: call("offer_choices", `{"options":["Small","Large"],"text":"Which size?"}`), Finish: "tool_calls"},
		WantsRefusal:   {Refusal: "I'm sorry, I can't help with that.", Finish: "stop"},
		WantsSilence:   {Content: "", Finish: "stop"},
		WantsLength:    {Content: "You said: length please and", Finish: "length"},
		WantsFilter:    {Content: "", Finish: "content_filter"},
		"without tool": {Content: "You said: without tool", Finish: "stop"},
	} {
		t.Run(text, func(t *testing.T) {
			status, answer := do(t, client, request(t, http.MethodPost, url+"/v1/chat/completions",
				chatBody(`{"role":"user","content":"`+text+`"}`, bothTools)))
			if status != http.StatusOK {
				t.Fatalf("%d %s", status, answer)
			}

			first := object(t, answer)["choices"].([]any)[0].(map[string]any)
			message := first["message"].(map[string]any)

			got := choice{Content: message["content"], Refusal: message["refusal"], Finish: first["finish_reason"].(string)}

			calls, _ := message["tool_calls"].([]any)
			for _, called := range calls {
				got.Calls = append(got.Calls, called.(map[string]any)["function"])
			}

			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("choice (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpenAIErrorsAsFaultsAndReplies(t *testing.T) {
	openAI := NewOpenAI(OpenAIOptions{
		NoKey: true,
		Reply: func(ChatCall) any { return OpenAINoQuota },
	})
	url, client := start(t, openAI)
	openAI.Faults.Add(func() Fault { f := OpenAIRateLimited.Fault(); f.Times = 1; return f }())

	for _, want := range []struct{ kind, code string }{{"requests", "rate_limit_exceeded"}, {"insufficient_quota", "insufficient_quota"}} {
		status, answer := do(t, client, request(t, http.MethodPost, url+"/v1/chat/completions", chatBody(userHi, "")))

		problem := object(t, answer)["error"].(map[string]any)
		if status != http.StatusTooManyRequests || problem["type"] != want.kind || problem["code"] != want.code {
			t.Errorf("%d %s, want 429 %s", status, answer, want.code)
		}
	}
}

func TestChatIsRecorded(t *testing.T) {
	openAI := NewOpenAI(OpenAIOptions{Lenient: true})
	url, client := start(t, openAI)

	body := chatBody(`{"role":"system","content":"be kind"},{"role":"user","content":[{"type":"text","text":"what is this?"},`+
		`{"type":"image_url","image_url":{"url":"https://a"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}}]}`,
		`,"max_tokens":9,"num_ctx":4096,"user":"u"`+bothTools)

	status, answer := do(t, client, request(t, http.MethodPost, url+"/v1/chat/completions", body, "Authorization", "Bearer any"))
	if status != http.StatusOK || !strings.Contains(answer, "You said: what is this? (pictures: 1) (files: a.pdf)") {
		t.Errorf("%d %s", status, answer)
	}

	want := []ChatMessage{
		{Role: "system", Text: "be kind"},
		{Role: "user", Text: "what is this?", Images: []string{"https://a"}, Files: []string{"a.pdf"}},
	}

	call := openAI.Asked()[0]
	if diff := cmp.Diff(want, call.Messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff([]string{"hand_off_to_human", "offer_choices"}, call.Tools); diff != "" || call.MaxTokens != 9 || call.User != "u" {
		t.Errorf("%+v; tools (-want +got):\n%s", call, diff)
	}
}
