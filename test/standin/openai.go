// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

const (
	// maxChatBody leaves room for pictures and documents in base64.
	maxChatBody = 64 << 20
	// OpenAIModel is the chat model that exists by default.
	OpenAIModel = "gpt-test"
	// OpenAITranscriptionModel is the transcription model that exists by default.
	OpenAITranscriptionModel = "transcribe-test"
	// defaultContextTokens is the context length of a model by default.
	defaultContextTokens = 128_000
)

// OpenAIOptions configure an OpenAI. The zero value accepts any key and replies with EchoChat.
type OpenAIOptions struct {
	// Keys are accepted as Authorization: Bearer and as api-key, as Azure does. If empty, any key is accepted.
	Keys []string
	// NoKey accepts requests without a key, as Ollama does.
	NoKey bool
	// BasePath is the path before /chat/completions. Defaults to /v1.
	BasePath string
	// Models are the chat models. Default to OpenAIModel.
	Models []string
	// TranscriptionModels are the models of /audio/transcriptions. Default to OpenAITranscriptionModel.
	TranscriptionModels []string
	// NoModelList answers 404 to GET /models, as some compatible servers do.
	NoModelList bool
	// ContextTokens is the context length of every model; four characters of text count as a token. Defaults to 128,000.
	ContextTokens int
	// Lenient lets unknown parameters pass, as many compatible servers do.
	Lenient bool
	// Reply returns the answer to a chat: a text, a ToolCall, a Refusal, a Completion or an OpenAIError. It may block, as a
	// model does. Defaults to EchoChat.
	Reply func(chat ChatCall) any
	// Transcribe returns the text of a recording, or an OpenAIError. Defaults to EchoTranscription.
	Transcribe func(recording Recording) any
	// Keep is how many calls and requests are retained. Defaults to 10,000; if negative, they are only counted.
	Keep int
}

// ChatCall is an accepted request for a chat completion.
type ChatCall struct {
	Model    string        `json:"model"`
	Messages []ChatMessage `json:"messages"`
	// Tools are the names of the functions that are offered.
	Tools []string `json:"tools,omitempty"`
	// MaxTokens is max_completion_tokens or max_tokens, 0 if there is none.
	MaxTokens int    `json:"max_tokens,omitempty"`
	User      string `json:"user,omitempty"`
	// Body is the whole request.
	Body map[string]any `json:"body"`

	size int
}

// ChatMessage is a message of a chat, with the parts of its content apart.
type ChatMessage struct {
	Role string `json:"role"`
	// Text is the content, or the text parts of it on a line each.
	Text string `json:"text"`
	// Images are the URLs of pictures, Files the names of files.
	Images []string `json:"images,omitempty"`
	Files  []string `json:"files,omitempty"`
	// ToolCalls are the names of the functions that a message of the assistant calls.
	ToolCalls []string `json:"tool_calls,omitempty"`
}

// Last returns the text of the last message of a role, or nothing.
func (c ChatCall) Last(role string) string {
	for _, message := range slices.Backward(c.Messages) {
		if message.Role == role {
			return message.Text
		}
	}

	return ""
}

// OpenAI stands in for a server with OpenAI's Chat Completions and transcriptions. It validates requests as far as OpenAI
// documents or reports it.
//
// Source: https://platform.openai.com/docs/api-reference/chat/create
type OpenAI struct {
	*Front
	// AskedLog is the log behind Asked: it counts requests and can wait for them.
	AskedLog *Log[ChatCall]
	// HeardLog is the log of the recordings that were transcribed.
	HeardLog *Log[Recording]

	options OpenAIOptions
	handler http.Handler
	serial  atomic.Int64
}

// NewOpenAI returns an OpenAI to serve with net/http. Close it before its server.
func NewOpenAI(options OpenAIOptions) *OpenAI {
	options.BasePath = "/" + strings.Trim(cmp.Or(options.BasePath, "/v1"), "/")
	options.ContextTokens = cmp.Or(options.ContextTokens, defaultContextTokens)

	if options.Models == nil {
		options.Models = []string{OpenAIModel}
	}

	if options.TranscriptionModels == nil {
		options.TranscriptionModels = []string{OpenAITranscriptionModel}
	}

	if options.Reply == nil {
		options.Reply = EchoChat
	}

	if options.Transcribe == nil {
		options.Transcribe = EchoTranscription
	}

	keep := keepOrDefault(options.Keep)
	o := &OpenAI{
		Front:    NewFront(NewRecorder(keep), maxChatBody),
		AskedLog: newLog(keep, func(c ChatCall) int { return c.size }),
		HeardLog: newLog(keep, func(r Recording) int { return len(r.Name) }),
		options:  options,
	}

	o.handler = withControl(o.Wrap(http.HandlerFunc(o.serve)), o.control())

	return o
}

// ServeHTTP implements http.Handler.
func (o *OpenAI) ServeHTTP(w http.ResponseWriter, r *http.Request) { o.handler.ServeHTTP(w, r) }

// Asked returns the retained requests for chat completions, oldest first.
func (o *OpenAI) Asked() []ChatCall { return o.AskedLog.All() }

// BasePath returns the path before /chat/completions.
func (o *OpenAI) BasePath() string { return o.options.BasePath }

func (o *OpenAI) serve(w http.ResponseWriter, r *http.Request) {
	endpoint, known := strings.CutPrefix(r.URL.Path, o.options.BasePath)

	var answer any

	switch {
	case endpoint == "/models" && known && r.Method == http.MethodGet && !o.options.NoModelList:
		answer = o.listModels(r)
	case !known || (endpoint != "/chat/completions" && endpoint != "/audio/transcriptions"):
		answer = OpenAIError{
			Status:  http.StatusNotFound,
			Message: "Invalid URL (" + r.Method + " " + r.URL.Path + ")",
		}
	case r.Method != http.MethodPost:
		answer = OpenAIError{
			Status:  http.StatusMethodNotAllowed,
			Message: "Only POST requests are accepted.",
			Code:    "method_not_supported",
		}
	case !o.authorized(r):
		answer = invalidKey(openAIKey(r))
	case endpoint == "/chat/completions":
		answer = o.complete(r)
	default:
		answer = o.transcribe(r)
	}

	switch answer := answer.(type) {
	case OpenAIError:
		answer.write(w)
	case plainText:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(answer)) //nolint:gosec // plain text for a receiver, which no browser shows
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

// listModels answers GET /models.
//
// Source: https://platform.openai.com/docs/api-reference/models/list
func (o *OpenAI) listModels(r *http.Request) any {
	if !o.authorized(r) {
		return invalidKey(openAIKey(r))
	}

	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}

	data := []model{}
	for _, id := range slices.Concat(o.options.Models, o.options.TranscriptionModels) {
		data = append(data, model{
			ID:      id,
			Object:  "model",
			Created: 1700000000,
			OwnedBy: "stand-in",
		})
	}

	return map[string]any{"object": "list", "data": data}
}

// openAIKey returns the key of a request: a bearer token, or the header api-key as Azure has it.
func openAIKey(r *http.Request) string { return cmp.Or(bearer(r), r.Header.Get("Api-Key")) }

func (o *OpenAI) authorized(r *http.Request) bool {
	return o.options.NoKey || accepted(o.options.Keys, openAIKey(r))
}

// complete answers a request for a chat completion.
func (o *OpenAI) complete(r *http.Request) any {
	var raw json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&raw); err != nil {
		return invalidJSON(err)
	}

	call, err := o.readChat(raw)
	if problem, ok := errors.AsType[OpenAIError](err); ok {
		return problem
	}

	o.AskedLog.add(call)

	completion, problem := completionOf(o.options.Reply(call))
	if problem != nil {
		return *problem
	}

	return completion.object("chatcmpl-"+strconv.FormatInt(o.serial.Add(1), 10), call, o.Clock.Now())
}
