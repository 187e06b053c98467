// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

const (
	// MaxFlowBody is the size of the body that Bird's HTTP endpoint trigger takes.
	//
	// Source: https://docs.bird.com/applications/automation/flows/concepts/triggers/http-endpoint-trigger
	MaxFlowBody = 200_000
	// FlowPath is the default path of a Flow.
	FlowPath = "/webhooks/5f0c1e9a/f81d4fae"
)

// FlowOptions configure a Flow. The zero value needs no credential and replies with EchoReply.
type FlowOptions struct {
	// Path is the one path of the Flow; any other is unknown. Defaults to FlowPath.
	Path string
	// Keys are accepted as Authorization: Bearer. If empty, none is required.
	Keys []string
	// SigningKeys verify the header SignatureHeader: "sha256=" and the HMAC-SHA256 of the body in hexadecimal. If empty, none
	// is required.
	SigningKeys     []string
	SignatureHeader string
	// Reply returns the answer to a request: a value to send as JSON with status 200, an Answer, or nil for an empty 200, which
	// an asynchronous Flow sends. A Later is an empty 200, too. Defaults to EchoReply.
	Reply func(method string, request map[string]any) any
	// NotFound is the answer of an unpublished Flow and of an unknown path. Defaults to BirdNotFound.
	NotFound Answer
	// Messages is the messages API to which a Later of Reply is posted.
	Messages func() MessagesAPI
	// MediaClient fetches linked media. Defaults to http.DefaultClient.
	MediaClient *http.Client
	// Keep is how many calls and requests are retained. Defaults to 10,000; if negative, they are only counted.
	Keep int
}

// BirdNotFound is Bird's answer to an unknown resource.
var BirdNotFound = Answer{
	Status: http.StatusNotFound,
	Body:   map[string]string{"code": "ResourceNotFound", "message": "The requested resource doesn't exist"},
}

// N8NNotFound is the answer of n8n to a webhook whose workflow is not active.
var N8NNotFound = Answer{
	Status: http.StatusNotFound,
	Body: map[string]any{
		"code":    404,
		"message": `The requested webhook "POST f81d4fae" is not registered.`,
		"hint": "The workflow must be active for a production URL to run successfully. You can activate the workflow using the" +
			" toggle in the top-right of the editor.",
	},
}

// Flow stands in for a Flow of Bird with an HTTP endpoint trigger, and for any other service with one URL. It runs anew for
// each request, whatever its Idempotency-Key.
type Flow struct {
	*Front
	// AskedLog is the log behind Asked: it counts requests and can wait for them.
	AskedLog *Log[BirdCall]
	// LaterLog is the log of the answers that were posted to the messages API.
	LaterLog *Log[LaterMessage]

	options     FlowOptions
	handler     http.Handler
	later       *poster
	unpublished atomic.Bool
}

// NewFlow returns a Flow to serve with net/http. Close it before its server.
func NewFlow(options FlowOptions) *Flow {
	if options.Path == "" {
		options.Path = FlowPath
	}

	if options.Reply == nil {
		options.Reply = EchoReply
	}

	if options.NotFound.Status == 0 {
		options.NotFound = BirdNotFound
	}

	keep := keepOrDefault(options.Keep)
	f := &Flow{
		Front:    NewFront(NewRecorder(keep), MaxFlowBody),
		AskedLog: newLog(keep, func(c BirdCall) int { return c.size }),
		options:  options,
		later:    newPoster(options.Messages, keep),
	}
	f.LaterLog = f.later.log
	f.handler = withControl(f.Wrap(http.HandlerFunc(f.serve)), laterControl(f.Front, f.AskedLog, f.LaterLog))

	return f
}

// ServeHTTP implements http.Handler.
func (f *Flow) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.handler.ServeHTTP(w, r) }

// Close ends the calls that a fault delays or hangs, and the posting of later answers. Call it before the server's Close.
func (f *Flow) Close() {
	f.Front.Close()
	f.later.close()
}

// Asked returns the retained requests, oldest first.
func (f *Flow) Asked() []BirdCall { return f.AskedLog.All() }

// Path returns the path of the Flow.
func (f *Flow) Path() string { return f.options.Path }

// SetPublished publishes the Flow or takes it back. It is published at first.
func (f *Flow) SetPublished(published bool) { f.unpublished.Store(!published) }

func (f *Flow) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)

	switch {
	case err != nil:
		flowError(w, http.StatusBadRequest, "InvalidPayload", err.Error())
		return
	case r.URL.Path != f.options.Path, f.unpublished.Load():
		encodeAnswer(f.options.NotFound).write(w)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		flowError(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "use POST")

		return
	case !f.authorized(r, body):
		flowError(w, http.StatusUnauthorized, "AuthenticationFailure", "the authorization or the signature is not valid")
		return
	}

	call, err := f.read(r, body)
	if err != nil {
		flowError(w, http.StatusUnprocessableEntity, "InvalidPayload", err.Error())
		return
	}

	f.AskedLog.add(call)

	reply := f.options.Reply(call.Method, call.Payload)

	switch later, isLater := reply.(Later); {
	case isLater && !f.later.start(later, call.Payload):
		reply = noMessagesAPI()
	case isLater, reply == nil:
		reply = Answer{Status: http.StatusOK}
	}

	encodeAnswer(reply).write(w)
}

func (f *Flow) authorized(r *http.Request, body []byte) bool {
	if len(f.options.Keys) > 0 && !accepted(f.options.Keys, bearer(r)) {
		return false
	}

	if len(f.options.SigningKeys) == 0 {
		return true
	}

	signature := r.Header.Get(f.options.SignatureHeader)

	return slices.ContainsFunc(f.options.SigningKeys, func(key string) bool { return signature == Sign(key, body) })
}

// read reads a request as strictly as a Flow that uses only {{trigger.body.text}} and {{trigger.body.method}} needs it.
func (f *Flow) read(r *http.Request, body []byte) (BirdCall, error) {
	if mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); mediaType != "application/json" {
		return BirdCall{}, fmt.Errorf("content type %q is not application/json", mediaType)
	}

	call, err := readJSON(bytes.NewReader(body))
	if err != nil {
		return BirdCall{}, err
	}

	call.Method, _ = call.Payload["method"].(string)
	if !isBirdMethod(call.Method) {
		return BirdCall{}, fmt.Errorf("method %v is none of the contract", call.Payload["method"])
	}

	if text, _ := call.Payload["text"].(string); strings.TrimSpace(text) == "" && call.Method != "notify_bird_status_change" {
		return BirdCall{}, errors.New("text is empty")
	}

	if err := call.fetchMedia(r.Context(), f.options.MediaClient); err != nil {
		return BirdCall{}, err
	}

	call.setHeader(r)

	return call, nil
}

func flowError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]string{"code": code, "message": message})
}
