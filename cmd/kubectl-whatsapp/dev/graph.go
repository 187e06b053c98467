// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// maxGraphRequest bounds the JSON of a call of the Graph API.
const maxGraphRequest = 4 << 20

// graphCall is a call of the Graph API.
type graphCall struct {
	eventID string
	person  string
	title   string
	// isMessage reports whether it sends a message, not a read receipt.
	isMessage bool
	// receipt is the message that it marks as read; typing reports whether the person sees "typing".
	receipt string
	typing  bool
}

// graphRequest are the fields of POST /{phone-number-id}/messages by which it is recognized.
type graphRequest struct {
	Status    string `json:"status"`
	MessageID string `json:"message_id"`
	To        string `json:"to"`
	Type      string `json:"type"`
	Callback  string `json:"biz_opaque_callback_data"`
	Typing    *struct {
		Type string `json:"type"`
	} `json:"typing_indicator"`
}

// observeGraph returns the Graph API that records its calls and injects the faults of Meta.
func (s *Server) observeGraph(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()

		var body []byte

		isMessage := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/messages")
		if isMessage {
			var err error
			if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxGraphRequest)); err != nil {
				http.Error(w, "read the request: "+err.Error(), http.StatusRequestEntityTooLarge)
				return
			}

			r.Body = io.NopCloser(bytes.NewReader(body))
		}

		call := s.graphCall(r, body)
		request := &captured{}
		_, _ = request.Write(body)

		answer := &watchedAnswer{ResponseWriter: w}

		defer func() { s.recordGraph(r, call, request, answer, time.Since(began)) }()

		if s.faults.injectGraph(answer, r, call, next) {
			return
		}

		next.ServeHTTP(answer, r)
	})
}

// graphCall reads what a call is about.
func (s *Server) graphCall(r *http.Request, body []byte) graphCall {
	if body == nil {
		return s.otherGraphCall(r)
	}

	var request graphRequest

	_ = json.Unmarshal(body, &request) // the stand-in refuses any other body

	call := graphCall{}

	if request.Status != "" {
		call.eventID = eventOf(request.MessageID)
		call.title = "Marked as read"
		call.receipt = request.MessageID
		call.typing = request.Typing != nil

		if call.typing {
			call.title += ", shows “typing”"
		}
	} else {
		call.isMessage = true
		eventID, _, _, _ := whatsapp.ParseCallback(request.Callback)
		_, call.eventID = s.meta.origin(eventID)
		call.title = "Message sent through Meta: " + request.Type
	}

	call.person = s.meta.personOf(call.eventID)
	if person, ok := s.chat.byNumber(request.To); ok {
		call.person = person.ID
	}

	return call
}

// otherGraphCall describes a call that sends nothing.
func (s *Server) otherGraphCall(r *http.Request) graphCall {
	_, object, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	call := graphCall{}

	media := object

	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/media"):
		call.title = "File of the AI uploaded to Meta"
		call.eventID = s.meta.newestEvent()
	case r.URL.Query().Get("mid") != "":
		media = r.URL.Query().Get("mid")
		call.title = "File of the person downloaded from Meta"
	case object == "debug_token":
		call.title = "Access token checked"
	case strings.HasSuffix(object, "/thread_control"):
		call.title = "Thread control"
	default:
		call.title = "File of the person looked up at Meta"
	}

	for _, m := range s.chat.all() {
		if m.Media != nil && m.Media.ID == media {
			call.eventID = m.EventID
			call.person = m.Person
		}
	}

	return call
}

// recordGraph adds a call to the journal, and shows the receipt of a message.
func (s *Server) recordGraph(r *http.Request, call graphCall, request *captured, answer *watchedAnswer, took time.Duration) {
	kind := TraceGraph
	if call.isMessage {
		kind = TraceSend
	}

	t := Trace{
		EventID:  call.eventID,
		Person:   call.person,
		Kind:     kind,
		Level:    LevelOK,
		Title:    fmt.Sprintf("%s → %d", call.title, answer.status),
		TookMS:   took.Milliseconds(),
		Exchange: exchangeOf(r, s.rig.GraphURL()+r.URL.Path, request, answer),
	}

	switch {
	case answer.status == 0:
		t.Level = LevelError
		t.Title = call.title + " → no answer"
	case answer.status >= http.StatusBadRequest:
		t.Level = LevelError
		t.Code = graphCode(answer)
		t.Title = call.title + " → refused with " + t.Code
	case call.receipt != "":
		s.chat.setStatus(call.receipt, StatusRead, nil)

		if call.typing {
			s.stream.publish(StreamTyping, Typing{Person: call.person, On: true})
		}
	}

	s.journal.add(t)
}

// graphCode returns the code of Graph's error, else the HTTP status.
func graphCode(answer *watchedAnswer) string {
	var refusal struct {
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(answer.body.Bytes(), &refusal) == nil && refusal.Error.Code != 0 {
		return strconv.Itoa(refusal.Error.Code)
	}

	return strconv.Itoa(answer.status)
}
