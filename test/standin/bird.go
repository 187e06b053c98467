// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// maxBirdBody holds a medium of 4 MiB in base64 and the payload around it.
const maxBirdBody = 8 << 20

// birdMethods names the method behind each path of the bridge contract.
var birdMethods = map[string]string{
	"/v1/messages/text":       "process_text_message",
	"/v1/messages/image":      "process_image_message",
	"/v1/messages/audio":      "process_audio_message",
	"/v1/messages/video":      "process_video_message",
	"/v1/messages/document":   "process_document_message",
	"/v1/messages/location":   "process_location_message",
	"/v1/messages/contacts":   "process_contacts_message",
	"/v1/messages/other":      "process_other_message",
	"/v1/interactions/button": "process_button_interaction",
	"/v1/interactions/list":   "process_list_interaction",
	"/v1/interactions/flow":   "process_flow_response",
	"/v1/statuses":            "notify_bird_status_change",
	"/v1/analysis/image":      "analyze_image",
	"/v1/analysis/audio":      "transcribe_audio",
	"/v1/analysis/video":      "analyze_video",
	"/v1/analysis/document":   "parse_document",
}

// BirdOptions configure a Bird. The zero value accepts any key and echoes.
type BirdOptions struct {
	// AccessKeys are accepted as Authorization: AccessKey or Bearer and as X-API-Key; with none, any key is.
	AccessKeys []string
	// Reply makes the answer to a method's payload: a value for JSON and 200, an Answer, or nil for 204.
	// It may block, as an AI does. By default EchoReply.
	Reply func(method string, request map[string]any) any
	// Keep is how many calls and questions are kept, 10,000 by default; negative: they are only counted.
	Keep int
}

// Answer is a reply with a status of its own; a nil Body is an empty one.
type Answer struct {
	Status int
	Body   any
}

// BirdCall is one question put to the AI. The repetition of an answered one under its Idempotency-Key is none.
type BirdCall struct {
	// Method is the contract's, such as process_text_message.
	Method         string `json:"method"`
	Path           string `json:"path"`
	IdempotencyKey string `json:"idempotency_key"`
	// Attempt is X-Attempt, 0 where it is no number.
	Attempt int            `json:"attempt"`
	Payload map[string]any `json:"payload"`
	// MediaBytes and MediaSHA256 (hex) are of the medium, inline or multipart.
	MediaBytes  int64  `json:"media_bytes"`
	MediaSHA256 string `json:"media_sha256"`

	size int
}

// Bird stands in for the AI behind the bridge contract.
type Bird struct {
	*Front
	// AskedLog holds what Asked returns, with its count and a Wait.
	AskedLog *Log[BirdCall]

	options BirdOptions
	handler http.Handler
	answers answerMemory
}

// NewBird makes a Bird to serve with net/http. Close it before its server.
func NewBird(options BirdOptions) *Bird {
	if options.Reply == nil {
		options.Reply = EchoReply
	}

	keep := keepOrDefault(options.Keep)
	b := &Bird{
		Front:    NewFront(NewRecorder(keep), maxBirdBody),
		AskedLog: newLog(keep, func(c BirdCall) int { return c.size }),
		options:  options,
	}
	b.handler = withControl(b.Wrap(http.HandlerFunc(b.ask)), b.control())

	return b
}

func (b *Bird) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.handler.ServeHTTP(w, r) }

// Asked returns the questions that are still kept, oldest first.
func (b *Bird) Asked() []BirdCall { return b.AskedLog.All() }

func (b *Bird) ask(w http.ResponseWriter, r *http.Request) {
	method, known := birdMethods[r.URL.Path]
	switch {
	case !accepted(b.options.AccessKeys, birdKey(r)):
		birdError(w, http.StatusUnauthorized, "E01001", "the access key is not valid")
		return
	case !known:
		birdError(w, http.StatusNotFound, "E01002", "there is no "+r.URL.Path)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		birdError(w, http.StatusMethodNotAllowed, "E01006", "use POST")

		return
	}

	call, err := readQuestion(r)
	if err != nil {
		status := http.StatusBadRequest
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			status = http.StatusRequestEntityTooLarge
		}

		birdError(w, status, "E01003", err.Error())

		return
	}

	call.Method = method
	call.Path = r.URL.Path
	call.IdempotencyKey = r.Header.Get("Idempotency-Key")
	call.Attempt, _ = strconv.Atoi(r.Header.Get("X-Attempt"))

	answer, state := b.answers.begin(call.IdempotencyKey)
	if state == keyInProgress {
		w.Header().Set("Retry-After", "30")
		birdError(w, http.StatusConflict, "E01004", "a call with this Idempotency-Key is in progress")

		return
	}

	if state == keyNew {
		// A Reply that panics leaves no answer behind, and must not leave its key in progress either.
		defer b.answers.release(call.IdempotencyKey)

		b.AskedLog.add(call)
		answer = encodeAnswer(b.options.Reply(method, call.Payload))
		b.answers.finish(call.IdempotencyKey, answer)
	}

	answer.write(w)
}

// birdKey reads the credential of any of the contract's three schemes.
func birdKey(r *http.Request) string {
	scheme, credential, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "AccessKey") || strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(credential)
	}

	return r.Header.Get("X-API-Key")
}

func birdError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]string{
		"type":    http.StatusText(status),
		"code":    code,
		"message": message,
	}})
}

// encodedAnswer is an answer as it is repeated for its Idempotency-Key.
type encodedAnswer struct {
	status int
	body   []byte
}

func encodeAnswer(reply any) encodedAnswer {
	answer, explicit := reply.(Answer)
	switch {
	case reply == nil:
		return encodedAnswer{status: http.StatusNoContent}
	case !explicit:
		answer = Answer{Status: http.StatusOK, Body: reply}
	case answer.Status < 200 || answer.Status > 599:
		answer.Status = http.StatusOK
	}

	if answer.Body == nil {
		return encodedAnswer{status: answer.Status}
	}

	body, err := json.Marshal(answer.Body)
	if err != nil {
		return encodedAnswer{http.StatusInternalServerError, []byte(`{"error":{"code":"E01000","message":"the reply is not JSON"}}`)}
	}

	return encodedAnswer{answer.Status, body}
}

func (a encodedAnswer) write(w http.ResponseWriter) {
	if len(a.body) > 0 {
		w.Header().Set("Content-Type", "application/json")
	}

	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}
