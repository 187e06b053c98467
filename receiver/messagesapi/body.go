// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/requestbody"
)

// maxBodiesBytes bounds the memory of the large bodies that are read at the same time.
const maxBodiesBytes = 16 << 20

// readBody reads the body of a request. Its memory is free again once the request has ended.
func (a *API) readBody(w http.ResponseWriter, req *request) error {
	if coding := req.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return badRequest("send the body as it is, without Content-Encoding")
	}

	limit := req.settings.MessagesAPI.MaxBodyBytes
	body, release, err := a.bodies.Read(w, req.Request, limit)

	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &problem{
			status:  http.StatusRequestEntityTooLarge,
			code:    "too_large",
			message: fmt.Sprintf("the body is larger than %d bytes", limit),
			header:  http.Header{"Connection": {"close"}},
		}
	}

	if errors.Is(err, requestbody.ErrBusy) {
		return tooMany("too many large requests at once")
	}

	if err != nil {
		return &problem{
			status:  http.StatusBadRequest,
			code:    "bad_request",
			message: "the body did not arrive in time, or not to its end",
			header:  http.Header{"Connection": {"close"}},
		}
	}

	req.body = body
	req.release = release

	return nil
}

// object returns the values of a JSON object by key. A value that is null counts as left out, except under a key of
// nullable. An unknown key is an error, since it is likely misspelled.
func object(body []byte, known, nullable []string) (map[string]json.RawMessage, error) {
	if !utf8.Valid(body) {
		return nil, badRequest("the body is not UTF-8")
	}

	if !json.Valid(body) {
		return nil, badRequest("the body is not JSON")
	}

	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, badRequest("the body is not a JSON object")
	}

	values := map[string]json.RawMessage{}
	seen := map[string]bool{}

	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, badRequest("the body is not JSON")
		}

		key, _ := token.(string)

		switch {
		case !slices.Contains(known, key):
			return nil, badRequest("the body has a key that is not known: give " + strings.Join(known, ", "))
		case seen[key]:
			return nil, badRequest(key + " is there twice: give it once")
		}

		seen[key] = true

		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, badRequest("the body is not JSON")
		}

		if string(value) != "null" || slices.Contains(nullable, key) {
			values[key] = value
		}
	}

	return values, nil
}

// field decodes the value under a key into a variable, which stays as it is if there is none. want completes the sentence
// "… is not …".
func field(values map[string]json.RawMessage, key, want string, into any) error {
	raw, ok := values[key]
	if !ok {
		return nil
	}

	if err := json.Unmarshal(raw, into); err != nil {
		return badRequest(key + " is not " + want)
	}

	return nil
}
