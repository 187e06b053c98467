// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// form holds the parts that a request omits because the server refused them or the settings do not use them.
type form struct {
	isPlain   bool // what only some servers know: the user, strict schemas, and the newer name of the limit of tokens
	noTools   bool
	noFile    bool
	noHistory int // how many of the oldest turns
}

// request is the body of a call.
//
// Source: https://platform.openai.com/docs/api-reference/chat/create
type request struct {
	Model    string    `json:"model"`
	Messages []message `json:"messages"`
	Tools    []tool    `json:"tools,omitempty"`
	// MaxCompletionTokens is the only limit that OpenAI's reasoning models take. Some servers know MaxTokens only.
	MaxCompletionTokens int    `json:"max_completion_tokens,omitempty"`
	MaxTokens           int    `json:"max_tokens,omitempty"`
	User                string `json:"user,omitempty"`
	Stream              bool   `json:"stream"`
}

// completion returns the call for a chat completion. If the server refuses a part of it that it can do without, the call is
// made without that part, and so on: a server can refuse several.
func completion(settings *config.Snapshot, r assistant.Request, instructions string, f form) (*assistant.Call, error) {
	payload, err := f.encode(settings, r, instructions)
	if err != nil {
		return nil, err
	}

	call := newCall(settings, payload, "chat", "completions")
	call.Smaller = func(refusal *httpclient.Response) *assistant.Call {
		smaller, ok := f.without(refusal, r)
		if !ok {
			return nil
		}

		again, err := completion(settings, r, instructions, smaller)
		if err != nil {
			return nil // no smaller form is left: the refusal is the result
		}

		return again
	}

	return call, nil
}

func (f form) encode(settings *config.Snapshot, r assistant.Request, instructions string) (*assistant.Payload, error) {
	common := r.Common()
	body := request{
		Model:    settings.OpenAI.Model,
		Messages: []message{{Role: roleSystem, Content: systemPrompt(instructions, common)}},
	}

	if !f.noTools {
		body.Tools = tools(!f.isPlain)
	}

	if f.isPlain {
		body.MaxTokens = settings.OpenAI.MaxOutputTokens
	} else {
		body.MaxCompletionTokens = settings.OpenAI.MaxOutputTokens
		body.User = userOf(common, settings.Secrets.AppSecrets)
	}

	mark := ""
	if r.Media != nil && !f.noFile {
		mark = rand.Text() // it occurs nowhere else, and stands for the content of the file, which is encoded as it is sent
	}

	body.Messages = append(body.Messages, conversation(r, r.History[f.noHistory:], mark)...)

	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}

	if mark == "" {
		return assistant.NewJSON(encoded), nil
	}

	head, tail, _ := bytes.Cut(encoded, []byte(mark))

	return assistant.NewBase64(head, r.Media, tail), nil
}

// userOf returns the pseudonym of a conversation, by which the provider can distinguish abuse of one person from another's.
// It is the same in each request until the app secret changes. The app secret is its key, since a plain hash of a phone
// number is found by trying all numbers.
//
// Source: https://platform.openai.com/docs/guides/safety-best-practices
func userOf(common assistant.Common, appSecrets []string) string {
	var key string
	if len(appSecrets) > 0 {
		key = appSecrets[0]
	}

	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("user of a model: " + common.ConversationKey))

	return hex.EncodeToString(mac.Sum(nil)[:16])
}

const (
	roleSystem    = "system"
	roleUser      = "user"
	roleAssistant = "assistant"
)

// message is a message of a chat. Content is a string, or []part with a file: some servers take only strings.
type message struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

type part struct {
	Type  string    `json:"type"`
	Text  string    `json:"text,omitempty"`
	Image *imageURL `json:"image_url,omitempty"`
	File  *file     `json:"file,omitempty"`
}

type imageURL struct {
	URL string `json:"url"`
}

type file struct {
	Filename string `json:"filename"`
	Data     string `json:"file_data"`
}

// conversation returns the turns and the question as messages, which alternate between the person and the AI and begin with
// the person: the templates of many models allow nothing else. A mark stands for the content of the file in the question.
func conversation(r assistant.Request, history []assistant.HistoryMessage, mark string) []message {
	var messages []message

	add := func(role, text string) {
		switch last := len(messages) - 1; {
		case last < 0 && role == roleAssistant:
		case last >= 0 && messages[last].Role == role:
			messages[last].Content = fmt.Sprint(messages[last].Content, "\n", text)
		default:
			messages = append(messages, message{Role: role, Content: text})
		}
	}

	for _, turn := range history {
		switch turn.Role {
		case assistant.FromPerson:
			add(roleUser, spoken(turn.Speaker, turn.Text))
		case assistant.FromDesk:
			add(roleAssistant, "[a colleague wrote] "+turn.Text)
		case assistant.FromHandoff:
			add(roleAssistant, "[handed the conversation off to a colleague]")
		case assistant.FromAI:
			add(roleAssistant, turn.Text)
		}
	}

	common := r.Common()
	if name := common.ContactInfo.Name; common.GroupID != "" && name != nil {
		add(roleUser, spoken(*name, words(r)))
	} else {
		add(roleUser, words(r))
	}

	if mark != "" {
		question := &messages[len(messages)-1]
		question.Content = []part{{Type: "text", Text: fmt.Sprint(question.Content)}, filePart(r.Media, mark)}
	}

	return messages
}

// spoken returns what a person said, with their name in a group.
func spoken(speaker, text string) string {
	if name := quoted(speaker); name != "" {
		return name + ": " + text
	}

	return text
}

// words returns the question as a text.
func words(r assistant.Request) string {
	if r.Method == assistant.ProcessEdit {
		return "[changed an earlier message to] " + r.Text
	}

	return cmp.Or(r.Text, "[message]")
}

func filePart(media *assistant.Media, mark string) part {
	kind := baseType(media.MimeType)
	data := "data:" + kind + ";base64," + mark

	if kind != documentType {
		return part{Type: "image_url", Image: &imageURL{URL: data}}
	}

	name := media.Filename[strings.LastIndexAny(media.Filename, `/\`)+1:]

	return part{Type: "file", File: &file{Filename: cmp.Or(name, "document.pdf"), Data: data}}
}
