// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

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

// TestARefusedPartIsLeftOut checks that a question is asked once more without what the server cannot take, and with the rest.
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
		"Gemini: a parameter": {400, `[{"error":{"code":400,"message":"Unknown name \"user\": Cannot find field.","status":"INVALID_ARGUMENT"}}]`, isPlain},
		"Ollama: tools":       {400, message400("registry.ollama.ai/library/gemma:2b does not support tools"), without("tools")},
		"vLLM: tools":         {400, message400(`"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set`), without("tools")},
		"OpenRouter: tools": {
			404, `{"error":{"message":"No endpoints found that support tool use. Try disabling \"hand_off_to_human\".","code":404}}`, without("tools"),
		},
		"OpenRouter: pictures":       {404, `{"error":{"message":"No endpoints found that support image input","code":404}}`, isWithoutFile},
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

// strictServer answers once no rule refuses the body, and keeps the bodies.
type strictServer struct {
	rules []rule
	asked []string
}

// rule refuses bodies that contain a text.
type rule struct {
	refused string
	status  int
	body    string
}

func (s *strictServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, _ := io.ReadAll(r.Body)
	s.asked = append(s.asked, string(content))

	for _, rule := range s.rules {
		if strings.Contains(string(content), rule.refused) {
			w.WriteHeader(rule.status)
			w.Write([]byte(rule.body))

			return
		}
	}

	w.Write([]byte(`{"choices":[{"message":{"content":"hola"}}]}`))
}

// TestARequestShrinksUntilItIsTaken checks that a question is asked without each part that the server refuses, one after
// another, and with all others. The memory has eight turns.
func TestARequestShrinksUntilItIsTaken(t *testing.T) {
	noUser := rule{`"user":"`, 400, `[{"error":{"code":400,"message":"Unknown name \"user\": Cannot find field.","status":"INVALID_ARGUMENT"}}]`}
	noLimit := rule{"max_completion_tokens", 422, `{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"]}]}`}
	noTools := rule{`"tools":`, 400, message400("registry.ollama.ai/library/gemma:2b does not support tools")}
	noImage := rule{"image_url", 400, message400("At most 0 image(s) may be provided in one prompt.")}
	proxy := rule{"image_url", 413, "<html><head><title>413 Request Entity Too Large</title></head></html>"}
	tooLong := func(turn string) rule { return rule{turn, 400, message400("maximum context length is 4096")} }

	for name, c := range map[string]struct {
		rules    []rule
		requests int
		kept     []string
	}{
		"a proxy: the size":          {[]rule{proxy}, 2, []string{"turn 1", "turn 8", `"user":"`, `"tools":`}},
		"a size beyond the memory":   {[]rule{proxy, {"turn 4", 413, ""}}, 3, []string{"turn 5", "turn 8", `"user":"`}},
		"Gemini: user, then picture": {[]rule{noUser, noImage}, 3, []string{"turn 1", `"tools":`}},
		"Gemini: user, then memory":  {[]rule{noUser, tooLong("turn 4")}, 3, []string{"turn 5", "image_url", `"tools":`}},
		"Mistral: limit and picture": {[]rule{noLimit, noImage}, 3, []string{"turn 1", `"tools":`}},
		"tools, then user":           {[]rule{noTools, noUser}, 3, []string{"turn 1", "image_url"}},
		"the memory, then the file":  {[]rule{tooLong("image_url")}, 3, []string{"turn 5", `"tools":`}},
		"all":                        {[]rule{noTools, noUser, noImage, tooLong("turn")}, 7, []string{"[photo]"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := &strictServer{rules: c.rules}
			ai := aiOf(t, server, func(o *config.OpenAI) { o.MaxOutputTokens = 800 })

			request := assistant.Request{
				Method: assistant.ProcessImage,
				Text:   "[photo]",
				Media:  mediaOf("image/png", "", "abc"),
				Body:   assistant.ImageMessage{Common: common},
			}
			for i := range 8 {
				request.History = append(request.History, assistant.HistoryMessage{Role: assistant.FromPerson, Text: fmt.Sprint("turn ", i+1)})
			}

			if _, err := ai.Ask(t.Context(), request); err != nil {
				t.Errorf("%v", err)
			}

			if len(server.asked) != c.requests {
				t.Errorf("the question was asked %d times, want %d", len(server.asked), c.requests)
			}

			last := server.asked[len(server.asked)-1]
			for _, part := range c.kept {
				if !strings.Contains(last, part) {
					t.Errorf("the last request lacks %s: %s", part, last)
				}
			}
		})
	}
}

// TestToolsThatAreOffAreNotLeftOut checks that a question without tools is not repeated as it was.
func TestToolsThatAreOffAreNotLeftOut(t *testing.T) {
	server := &refuseOnce{status: 400, body: message400("tool"), always: true}
	ai := aiOf(t, server, func(o *config.OpenAI) { o.Tools = new(false) })

	if _, err := ai.Ask(t.Context(), textRequest("hola")); err == nil || len(server.asked) != 1 {
		t.Errorf("error = %v after %d requests, want one after 1", err, len(server.asked))
	}
}

// TestALongHistoryIsShortened checks that a question whose history does not fit is asked with its newer half, then with the
// newest quarter, and then without history.
func TestALongHistoryIsShortened(t *testing.T) {
	request := textRequest("¿Y hoy?")
	for range 5 {
		request.History = append(request.History,
			assistant.HistoryMessage{Role: assistant.FromPerson, Text: strings.Repeat("a", 400)},
			assistant.HistoryMessage{Role: assistant.FromAI, Text: strings.Repeat("b", 400)})
	}

	for tokens, want := range map[int]int{
		10_000: 12, // the system message and the question besides
		700:    6,  // the first of the newer turns is an answer, which is left out
		350:    4,
		150:    2,
	} {
		server := serverOf(t, standin.OpenAIOptions{ContextTokens: tokens})
		if _, err := aiOf(t, server, nil).Ask(t.Context(), request); err != nil {
			t.Fatalf("%d tokens: %v", tokens, err)
		}

		if got := len(server.Asked()[0].Messages); got != want {
			t.Errorf("%d tokens: the model got %d messages, want %d", tokens, got, want)
		}
	}
}

// TestAQuestionThatIsTooLongEnds checks that a server that refuses each form is asked for each once.
func TestAQuestionThatIsTooLongEnds(t *testing.T) {
	for turns, want := range []int{1, 2, 3, 3, 4, 4, 4, 4, 4} {
		request := textRequest("hola")
		request.History = slices.Repeat([]assistant.HistoryMessage{{Role: assistant.FromPerson, Text: "a"}}, turns)

		server := &refuseOnce{status: 400, body: message400("maximum context length"), always: true}

		_, err := aiOf(t, server, nil).Ask(t.Context(), request)
		if f := failure.Of(err); f.Class != failure.Permanent || f.Code != assistant.CodeTooLong || len(server.asked) != want {
			t.Errorf("%d turns: failure = %+v after %d requests, want %s after %d", turns, f, len(server.asked), assistant.CodeTooLong, want)
		}
	}
}
