// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxBirdBody leaves room for a 4 MiB medium in base64 and the payload around it.
const maxBirdBody = 8 << 20

// birdMethods maps each path of the bridge contract to its method.
var birdMethods = map[string]string{
	"/v1/messages/text":        "process_text_message",
	"/v1/messages/image":       "process_image_message",
	"/v1/messages/audio":       "process_audio_message",
	"/v1/messages/video":       "process_video_message",
	"/v1/messages/document":    "process_document_message",
	"/v1/messages/location":    "process_location_message",
	"/v1/messages/contacts":    "process_contacts_message",
	"/v1/messages/order":       "process_order",
	"/v1/messages/edit":        "process_message_edit",
	"/v1/messages/revoke":      "process_message_revoke",
	"/v1/messages/undelivered": "process_undelivered_message",
	"/v1/messages/other":       "process_other_message",
	"/v1/interactions/button":  "process_button_interaction",
	"/v1/interactions/list":    "process_list_interaction",
	"/v1/interactions/flow":    "process_flow_response",
	"/v1/statuses":             "notify_bird_status_change",
	"/v1/analysis/image":       "analyze_image",
	"/v1/analysis/audio":       "transcribe_audio",
	"/v1/analysis/video":       "analyze_video",
	"/v1/analysis/document":    "parse_document",
}

// BirdOptions configure a Bird. The zero value accepts any access key and replies with EchoReply.
type BirdOptions struct {
	// AccessKeys are accepted as Authorization: AccessKey, as Bearer and as X-API-Key. If empty, any key is accepted.
	AccessKeys []string
	// Reply returns the answer to a request: a value to send as JSON with status 200, an Answer, or nil for 204.
	// It may block, as an AI does. Defaults to EchoReply.
	Reply func(method string, request map[string]any) any
	// Lacks are the methods that the bridge does not have: it answers 404.
	Lacks []string
	// Keep is how many calls and requests are retained. Defaults to 10,000; if negative, they are only counted.
	Keep int
}

// Answer is a reply with an explicit HTTP status.
type Answer struct {
	// Status defaults to 200.
	Status int
	// Body is sent as JSON; nil sends an empty body.
	Body any
}

// BirdCall is one request to the AI. A repeated Idempotency-Key whose answer is known adds no BirdCall.
type BirdCall struct {
	// Method is the method of the contract, such as process_text_message.
	Method string `json:"method"`
	// Path is the path of the HTTP request.
	Path string `json:"path"`
	// IdempotencyKey is the Idempotency-Key header.
	IdempotencyKey string `json:"idempotency_key"`
	// Attempt is the X-Attempt header, or 0 if it is not a number.
	Attempt int `json:"attempt"`
	// Payload is the JSON object of the request.
	Payload map[string]any `json:"payload"`
	// MediaBytes and MediaSHA256 (hex) describe the medium, sent inline or as a multipart part.
	MediaBytes  int64  `json:"media_bytes"`
	MediaSHA256 string `json:"media_sha256"`

	size int
}

// Bird stands in for the AI behind the bridge contract.
type Bird struct {
	*Front
	// AskedLog is the log behind Asked: it counts requests and can wait for them.
	AskedLog *Log[BirdCall]

	options BirdOptions
	handler http.Handler
	answers answerMemory
}

// NewBird returns a Bird to serve with net/http. Close it before its server.
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
	b.handler = withControl(b.Wrap(http.HandlerFunc(b.serve)), b.control())

	return b
}

// ServeHTTP implements http.Handler.
func (b *Bird) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.handler.ServeHTTP(w, r) }

// Asked returns the retained requests, oldest first.
func (b *Bird) Asked() []BirdCall { return b.AskedLog.All() }

func (b *Bird) serve(w http.ResponseWriter, r *http.Request) {
	method, known := birdMethods[r.URL.Path]
	switch {
	case !accepted(b.options.AccessKeys, birdKey(r)):
		birdError(w, http.StatusUnauthorized, "E01001", "the access key is not valid")
		return
	case !known || slices.Contains(b.options.Lacks, method):
		birdError(w, http.StatusNotFound, "E01002", "unknown path "+r.URL.Path)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		birdError(w, http.StatusMethodNotAllowed, "E01006", "use POST")

		return
	}

	call, err := readRequest(r)
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
		// If Reply panics there is no answer; release keeps the key from staying in progress.
		defer b.answers.release(call.IdempotencyKey)

		b.AskedLog.add(call)

		answer = encodeAnswer(b.options.Reply(method, call.Payload))
		if !answer.isTemporary() {
			b.answers.finish(call.IdempotencyKey, answer)
		}
	}

	answer.write(w)
}

// birdKey returns the credential of a request, in any of the contract's three schemes.
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

// encodedAnswer is an answer that can be repeated for its Idempotency-Key.
type encodedAnswer struct {
	status int
	body   []byte
}

// isTemporary reports whether a later call with the same Idempotency-Key may get another answer.
func (a encodedAnswer) isTemporary() bool {
	switch a.status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return a.status >= http.StatusInternalServerError
	}
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
		return encodedAnswer{
			status: http.StatusInternalServerError,
			body:   []byte(`{"error":{"code":"E01000","message":"the reply is not JSON"}}`),
		}
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
