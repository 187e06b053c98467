// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
)

// The methods of the requests to a desk.
const (
	// HumanMessage is a message of a person whose conversation people have.
	HumanMessage = "human_message"
	// HandedOff says that people have got a conversation.
	HandedOff = "conversation_handed_off"
)

// DeskOptions configure a Desk. The zero value accepts any key and answers nothing.
type DeskOptions struct {
	// Keys are accepted as Authorization: Bearer. If empty, any key is accepted.
	Keys []string
	// Reply returns what the desk posts to the messages API after a request: a Later, or nil for nothing. Defaults to nil.
	Reply func(method string, request map[string]any) any
	// Messages is the messages API, with a key of a desk.
	Messages func() MessagesAPI
	// Keep is how many calls and requests are retained. Defaults to 10,000; if negative, they are only counted.
	Keep int
}

// Desk stands in for the software of the people who answer conversations that an AI has handed off.
type Desk struct {
	*Front
	// AskedLog is the log behind Asked: it counts requests and can wait for them.
	AskedLog *Log[BirdCall]
	// LaterLog is the log of the answers that were posted to the messages API.
	LaterLog *Log[LaterMessage]

	options DeskOptions
	handler http.Handler
	answers answerMemory
	later   *poster
}

// NewDesk returns a Desk to serve with net/http. Close it before its server.
func NewDesk(options DeskOptions) *Desk {
	if options.Reply == nil {
		options.Reply = func(string, map[string]any) any { return nil }
	}

	keep := keepOrDefault(options.Keep)
	d := &Desk{
		Front:    NewFront(NewRecorder(keep), maxBirdBody),
		AskedLog: newLog(keep, func(c BirdCall) int { return c.size }),
		options:  options,
		later:    newPoster(options.Messages, keep),
	}
	d.LaterLog = d.later.log
	d.handler = withControl(d.Wrap(http.HandlerFunc(d.serve)), laterControl(d.Front, d.AskedLog, d.LaterLog))

	return d
}

// ServeHTTP implements http.Handler.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// Close ends the calls that a fault delays or hangs, and the posting of answers. Call it before the server's Close.
func (d *Desk) Close() {
	d.Front.Close()
	d.later.close()
}

// Asked returns the retained requests, oldest first. A repeated Idempotency-Key is in it once.
func (d *Desk) Asked() []BirdCall { return d.AskedLog.All() }

// Answer posts a message of people to the conversation of a request.
func (d *Desk) Answer(ctx context.Context, to BirdCall, idempotencyKey string, response any) (Posted, error) {
	if d.options.Messages == nil {
		return Posted{}, errors.New("the desk has no messages API")
	}

	return Post(ctx, d.options.Messages, idempotencyKey, map[string]any{
		"conversation_key": to.Payload["conversation_key"],
		"response":         response,
	})
}

// HandBack gives the conversation of a request back to the AI.
func (d *Desk) HandBack(ctx context.Context, of BirdCall) error {
	if d.options.Messages == nil {
		return errors.New("the desk has no messages API")
	}

	key, _ := of.Payload["conversation_key"].(string)

	status, body, err := d.options.Messages().SetHandler(ctx, key, map[string]any{"handler": "ai"})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("giving back was answered %d %v", status, body)
	}

	return err
}

func (d *Desk) serve(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))

	switch {
	case !accepted(d.options.Keys, bearer(r)):
		deskError(w, http.StatusUnauthorized, "the key is not valid")
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		deskError(w, http.StatusMethodNotAllowed, "use POST")

		return
	case mediaType != "application/json":
		deskError(w, http.StatusUnsupportedMediaType, "send application/json")
		return
	case key == "":
		deskError(w, http.StatusBadRequest, "the Idempotency-Key is missing")
		return
	}

	call, err := readJSON(r.Body)
	if err == nil {
		err = checkDeskCall(&call)
	}

	if err != nil {
		deskError(w, http.StatusUnprocessableEntity, err.Error())
		return
	}

	call.setHeader(r)

	answer, state := d.answers.begin(key)
	if state == keyInProgress {
		deskError(w, http.StatusConflict, "a call with this Idempotency-Key is in progress")
		return
	}

	if state == keyNew {
		defer d.answers.release(key)

		d.AskedLog.add(call)

		answer = encodedAnswer{status: http.StatusNoContent}
		if later, ok := d.options.Reply(call.Method, call.Payload).(Later); ok && !d.later.start(later, call.Payload) {
			answer = encodeAnswer(noMessagesAPI())
		}

		d.answers.finish(key, answer)
	}

	answer.write(w)
}

// EchoDesk answers each message of a person by repeating it, and a handoff not at all.
func EchoDesk(method string, request map[string]any) any {
	if method != HumanMessage {
		return nil
	}

	text, _ := request["text"].(string)

	return Later{Responses: []any{"A colleague says: " + text}}
}

// checkDeskCall refuses a request without what a desk needs to show it to people.
func checkDeskCall(call *BirdCall) error {
	call.Method, _ = call.Payload["method"].(string)
	needed := []string{"event_id", "conversation_key", "phone_number_id"}

	switch call.Method {
	case HumanMessage:
		needed = append(needed, "message_id", "timestamp")
	case HandedOff:
	default:
		return fmt.Errorf("method %v is neither %s nor %s", call.Payload["method"], HumanMessage, HandedOff)
	}

	for _, property := range needed {
		if text, _ := call.Payload[property].(string); text == "" {
			return fmt.Errorf("%s is missing", property)
		}
	}

	if _, present := call.Payload["reason"]; !present && call.Method == HandedOff {
		return errors.New("reason is missing")
	}

	return nil
}

func deskError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}
