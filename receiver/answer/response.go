// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"regexp"
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
	mediaType, parameters, _ := mime.ParseMediaType(r.ContentType)

	body, err := decoded(r.Body, parameters["charset"])
	body = bytes.TrimSpace(body)

	switch {
	case r.Status == http.StatusAccepted && !answers(body):
		return Answer{Later: true}, nil
	case err != nil:
		return Answer{}, err
	case looksLikeJSON(body):
		return Parse(body)
	case mediaType == "text/event-stream", stream.Match(body):
		return Answer{}, errStream
	}

	switch mediaType {
	case "text/plain", "text/markdown":
		return readPlain(body, isPage(body))
	case "text/html", "": // the default of servers on which no type was set
		return readPlain(body, isMarkup(body))
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

	err := json.Unmarshal(body, &outer)
	isHandoff := filled(outer.Handoff) || Present(outer.Handoff) && outer.Handoff[0] == '{'

	return err == nil && (filled(outer.Response) || isHandoff)
}

// looksLikeJSON reports whether a plain text is JSON. Some servers name no better type for it. An object or a list of objects
// that is cut off counts too, since no person writes like that.
func looksLikeJSON(body []byte) bool {
	isValue := len(body) == 0 || bytes.ContainsRune([]byte(`{["`), rune(body[0])) && json.Valid(body)

	return beginsObject(body) || isValue || string(body) == "null"
}

var errPage = errors.New("the answer is a page in HTML or XML, not JSON or a text")

var errStream = errors.New("the answer is a stream of events: turn streaming off, and answer with one object")

// stream is the beginning of a stream of events in JSON, as of a model's server.
var stream = regexp.MustCompile(`^(event: ?\S+\r?\n)?data: ?[{\[]`)

// page is the beginning of a page, as of a proxy that names the wrong type.
var page = regexp.MustCompile(`^(?i)<(html|!doctype|\?xml|head|body)`)

// markup is the beginning of a page, or of a part of one. An address in angle brackets is none.
var markup = regexp.MustCompile(`^<([!?]|/?[a-zA-Z][a-zA-Z0-9-]*[\s/>])`)

func isPage(body []byte) bool   { return page.Match(body) }
func isMarkup(body []byte) bool { return markup.Match(body) }

func readPlain(body []byte, isPage bool) (Answer, error) {
	if !utf8.Valid(body) {
		return Answer{}, errors.New("the plain text of the answer is not UTF-8")
	}

	if isPage {
		return Answer{}, errPage
	}

	text := string(body)
	if slices.Contains(receipts, text) {
		return Answer{Empty: true}, nil
	}

	var p parser
	if !p.readEmbedded(body, 0) {
		p.addText(text, false)
	}

	return p.result(), nil
}
