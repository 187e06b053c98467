// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
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

func isBirdMethod(name string) bool {
	for _, method := range birdMethods {
		if method == name {
			return true
		}
	}

	return false
}

// BirdOptions configure a Bird. The zero value accepts any access key and replies with EchoReply.
type BirdOptions struct {
	// AccessKeys are accepted as Authorization: AccessKey, as Bearer and as X-API-Key. If empty, any key is accepted.
	AccessKeys []string
	// Reply returns the answer to a request: a value to send as JSON with status 200, an Answer, a Later for 202, or nil
	// for 204. It may block, as an AI does. Defaults to EchoReply.
	Reply func(method string, request map[string]any) any
	// Lacks are the methods that the bridge does not have: it answers 404.
	Lacks []string
	// ConversationIDs gives each conversation a name of the AI's own: answers that are objects carry it, and a request with
	// another one is refused, as hosted AIs do.
	ConversationIDs bool
	// Messages is the messages API to which a Later of Reply is posted. Without it there are no later answers.
	Messages func() MessagesAPI
	// MediaClient fetches linked media. Defaults to http.DefaultClient.
	MediaClient *http.Client
	// Keep is how many calls and requests are retained. Defaults to 10,000; if negative, they are only counted.
	Keep int
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
	// MediaBytes and MediaSHA256 (hex) describe the medium, sent inline, as a multipart part or as a link.
	MediaBytes  int64  `json:"media_bytes"`
	MediaSHA256 string `json:"media_sha256"`

	size int
}

// Bird stands in for the AI behind the bridge contract.
type Bird struct {
	*Front
	// AskedLog is the log behind Asked: it counts requests and can wait for them.
	AskedLog *Log[BirdCall]
	// LaterLog is the log of the answers that were posted to the messages API.
	LaterLog *Log[LaterMessage]

	options BirdOptions
	handler http.Handler
	answers answerMemory
	later   *poster
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
		later:    newPoster(options.Messages, keep),
	}
	b.LaterLog = b.later.log
	b.handler = withControl(b.Wrap(http.HandlerFunc(b.serve)), laterControl(b.Front, b.AskedLog, b.LaterLog))

	return b
}

// ServeHTTP implements http.Handler.
func (b *Bird) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.handler.ServeHTTP(w, r) }

// Close ends the calls that a fault delays or hangs, and the posting of later answers. Call it before the server's Close.
func (b *Bird) Close() {
	b.Front.Close()
	b.later.close()
}

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
	if err == nil {
		err = b.check(r.Context(), method, &call)
	}

	if err != nil {
		status := http.StatusBadRequest
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			status = http.StatusRequestEntityTooLarge
		}

		birdError(w, status, "E01003", err.Error())

		return
	}

	call.Method = method
	call.setHeader(r)

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

		answer = encodeAnswer(b.reply(method, call.Payload))
		if !answer.isTemporary() {
			b.answers.finish(call.IdempotencyKey, answer)
		}
	}

	answer.write(w)
}

// check refuses a request that names another method than its path or another conversation than its person's, and fetches a
// linked medium.
func (b *Bird) check(ctx context.Context, method string, call *BirdCall) error {
	if named := call.Payload["method"]; named != method {
		return fmt.Errorf("the body has the method %v, the path that of %s", named, method)
	}

	if named := call.Payload["conversation_id"]; b.options.ConversationIDs && named != nil && named != ConversationID(call.Payload) {
		return fmt.Errorf("conversation_id %v is not of this conversation", named)
	}

	return call.fetchMedia(ctx, b.options.MediaClient)
}

// reply returns the answer to a request, and starts the posting of a later one.
func (b *Bird) reply(method string, payload map[string]any) any {
	reply := b.options.Reply(method, payload)

	if later, ok := reply.(Later); ok {
		if !b.later.start(later, payload) {
			return noMessagesAPI()
		}

		return Answer{Status: http.StatusAccepted, Body: map[string]bool{"accepted": true}}
	}

	if answer, ok := reply.(map[string]any); ok && b.options.ConversationIDs {
		answer = maps.Clone(answer)
		answer["conversation_id"] = ConversationID(payload)

		return answer
	}

	return reply
}

// ConversationID returns the AI's own name of the conversation of a request.
func ConversationID(request map[string]any) string {
	key, _ := request["conversation_key"].(string)
	sum := sha256.Sum256([]byte(key))

	return "conversation-" + hex.EncodeToString(sum[:8])
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
