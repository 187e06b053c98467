// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package openai asks a model by OpenAI's Chat Completions, which Azure, Gemini, vLLM, Ollama, LiteLLM, OpenRouter and others
// speak too.
//
// Source: https://platform.openai.com/docs/api-reference/chat/create
package openai

import (
	"mime"
	"net/http"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// Driver implements assistant.Driver. The settings have openAI.
type Driver struct{}

var peer = assistant.Peer{Name: "the AI", Setting: "openAI.baseURL"}

// maxFileBytes is the size up to which a file goes to the model. OpenAI takes 50 MB, others less.
const maxFileBytes = 32 << 20

// Peer implements assistant.Driver.
func (Driver) Peer() assistant.Peer { return peer }

// unsupportedMethods are the methods that mean nothing to a model: it is not asked about a message that the person deleted.
var unsupportedMethods = []assistant.Method{
	assistant.ProcessRevoke,
	assistant.NotifyStatus,
	assistant.AnalyzeImage,
	assistant.AnalyzeVideo,
	assistant.ParseDocument,
}

// Enabled implements assistant.Driver.
func (Driver) Enabled(_ *config.Snapshot, m assistant.Method) bool {
	return !slices.Contains(unsupportedMethods, m)
}

// Analyzes implements assistant.Driver.
func (Driver) Analyzes(settings *config.Snapshot, m assistant.Method) bool {
	return m == assistant.TranscribeAudio && settings.OpenAI.TranscriptionModel != ""
}

// imageTypes are the types of pictures that models take.
//
// Source: https://platform.openai.com/docs/guides/images-vision
var imageTypes = []string{"image/jpeg", "image/png", "image/webp", "image/gif"}

// documentType is the only type of documents that models take.
const documentType = "application/pdf"

// TakesFile implements assistant.Driver. Other files are described in a line of text.
func (Driver) TakesFile(settings *config.Snapshot, m assistant.Method, mimeType string) bool {
	kind := baseType(mimeType)

	switch m {
	case assistant.ProcessImage:
		return *settings.OpenAI.Images && slices.Contains(imageTypes, kind)
	case assistant.ProcessDocument:
		return *settings.OpenAI.Documents && kind == documentType
	default:
		return m == assistant.TranscribeAudio
	}
}

// baseType returns a MIME type without its parameters, or "" for an invalid one.
func baseType(mimeType string) string {
	kind, _, err := mime.ParseMediaType(mimeType)
	if err != nil {
		return ""
	}

	return kind
}

// unanswered are the types of messages that no person wrote, or that need no answer.
var unanswered = []string{"reaction", "system", "request_welcome", "interactive", "revoke", "edit"}

// TakesOther implements assistant.Driver.
func (Driver) TakesOther(_ *config.Snapshot, messageType string) bool {
	return !slices.Contains(unanswered, messageType)
}

// Credentials implements assistant.Driver.
func (Driver) Credentials(settings *config.Snapshot) []assistant.Credential {
	if settings.OpenAI.AuthScheme == config.AuthNone {
		return nil
	}

	return []assistant.Credential{{Role: config.RoleOpenAIKey, Value: settings.Secrets.OpenAIKey}}
}

// Encode implements assistant.Driver.
func (d Driver) Encode(settings *config.Snapshot, r assistant.Request) (*assistant.Call, error) {
	if r.Method == assistant.TranscribeAudio {
		return transcription(settings, r)
	}

	instructions, err := readInstructions(settings.OpenAI.InstructionsFile)
	if err != nil {
		return nil, err
	}

	media := r.Media
	if media != nil && (media.Size > maxFileBytes || media.Size == 0 || !d.TakesFile(settings, r.Method, media.MimeType)) {
		r.Media = nil
	}

	return completion(settings, r, instructions, form{noTools: !*settings.OpenAI.Tools})
}

// newCall returns a call of an endpoint below the URL.
func newCall(settings *config.Snapshot, payload *assistant.Payload, path ...string) *assistant.Call {
	header := http.Header{"Content-Type": {payload.ContentType()}}

	switch settings.OpenAI.AuthScheme {
	case config.AuthNone:
	case config.AuthAPIKey:
		header.Set("Api-Key", settings.Secrets.OpenAIKey)
	default:
		header.Set("Authorization", "Bearer "+settings.Secrets.OpenAIKey)
	}

	return &assistant.Call{
		BaseURL:   settings.OpenAI.BaseURL,
		Path:      path,
		Header:    header,
		Content:   payload.Open,
		Length:    payload.Size(),
		Timeout:   settings.OpenAI.Timeout,
		Anonymous: true,
	}
}
