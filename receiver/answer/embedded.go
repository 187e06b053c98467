// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"bytes"
	"encoding/json"
)

// readNested decodes the answer under a key of another program. A text that is itself an answer in JSON is decoded too:
// models write such texts if they are instructed to answer in JSON.
func (p *parser) readNested(raw json.RawMessage, depth int) error {
	var text string
	if json.Unmarshal(raw, &text) == nil && p.readEmbedded([]byte(text), depth) {
		return nil
	}

	return p.readValue(raw, depth)
}

// readEmbedded decodes a model's text that is an answer in JSON, and reports whether it is one. It accepts only texts with
// choices, and the absence of an answer: a person can make a model write anything, but must not make it send templates or
// files.
func (p *parser) readEmbedded(text []byte, depth int) bool {
	body := withoutFence(bytes.TrimSpace(text))
	if !beginsObject(body) || !json.Valid(body) {
		return false
	}

	var inner parser
	if inner.readValue(body, depth+1) != nil || inner.Handoff != nil || inner.Later && len(inner.Replies) == 0 {
		return false
	}

	for _, reply := range inner.Replies {
		if reply.Kind != KindText && reply.Kind != KindButtons {
			return false
		}
	}

	p.Replies = append(p.Replies, inner.Replies...)
	p.isSilent = p.isSilent || inner.isSilent

	return true
}

// beginsObject reports whether a text begins with a JSON object that is not empty, or with a list of such.
func beginsObject(text []byte) bool {
	if inner, isList := bytes.CutPrefix(text, []byte("[")); isList {
		text = bytes.TrimSpace(inner)
	}

	inner, isObject := bytes.CutPrefix(text, []byte("{"))

	return isObject && bytes.HasPrefix(bytes.TrimSpace(inner), []byte(`"`))
}

// withoutFence returns the code of a text that is nothing but fenced code in JSON, and any other text as it is.
func withoutFence(text []byte) []byte {
	fence := []byte("```")

	inner, isOpen := bytes.CutPrefix(text, fence)
	inner, isClosed := bytes.CutSuffix(inner, fence)
	language, code, _ := bytes.Cut(inner, []byte("\n"))

	language = bytes.TrimSpace(language)
	if !isOpen || !isClosed || len(language) > 0 && !bytes.EqualFold(language, []byte("json")) {
		return text
	}

	return bytes.TrimSpace(code)
}
