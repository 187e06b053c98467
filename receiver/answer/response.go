// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"slices"
	"unicode/utf8"
)

// Response is a 2xx response of an AI.
type Response struct {
	Status      int
	ContentType string
	Body        []byte
}

// Read decodes a response: JSON as Parse does, or a plain text. The status 202 says that the answer comes later, unless the
// body has a response or a handoff. Errors are like those of Parse.
func Read(r Response) (Answer, error) {
	body := bytes.TrimSpace(r.Body)

	if r.Status == http.StatusAccepted && !answers(body) {
		return Answer{Later: true}, nil
	}

	mediaType, _, _ := mime.ParseMediaType(r.ContentType)
	if isText := mediaType == "text/plain" || mediaType == "text/markdown"; isText && !looksLikeJSON(body) {
		return readPlain(body)
	}

	return Parse(body)
}

// answers reports whether a body has an answer by the contract. The other keys for answers can hold a remark about the
// request that was accepted.
func answers(body []byte) bool {
	var outer struct {
		Response json.RawMessage `json:"response"`
		Handoff  json.RawMessage `json:"handoff"`
	}

	return json.Unmarshal(body, &outer) == nil && (present(outer.Response) || present(outer.Handoff))
}

// looksLikeJSON reports whether a plain text is JSON. Some servers name no better type for it. An object or a list of objects
// that is cut off counts too, since no person writes like that.
func looksLikeJSON(body []byte) bool {
	begins := bytes.HasPrefix(body, []byte(`{"`)) || bytes.HasPrefix(body, []byte(`[{`))
	isValue := len(body) == 0 || bytes.ContainsRune([]byte(`{["`), rune(body[0])) && json.Valid(body)

	return begins || isValue || string(body) == "null"
}

// isPage reports whether a plain text is a page, as of a proxy that names the wrong type.
func isPage(body []byte) bool {
	begin := bytes.ToLower(body[:min(len(body), 16)])

	return slices.ContainsFunc([]string{"<html", "<!doctype", "<?xml", "<head", "<body"}, func(tag string) bool {
		return bytes.HasPrefix(begin, []byte(tag))
	})
}

func readPlain(body []byte) (Answer, error) {
	if !utf8.Valid(body) {
		return Answer{}, errors.New("the plain text of the answer is not UTF-8")
	}

	if isPage(body) {
		return Answer{}, errors.New("the answer is a page in HTML or XML")
	}

	text := string(body)
	if slices.Contains(receipts, text) {
		return Answer{Empty: true}, nil
	}

	var answer Answer
	answer.addText(text, false)

	return answer, nil
}
