// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// maxNotice bounds a notice.
const maxNotice = 1 << 20

// takeNotice is the sink of the receiver's notices.
func (s *Server) takeNotice(w http.ResponseWriter, r *http.Request) {
	request := watchBody(r)
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxNotice))

	answer := &watchedAnswer{ResponseWriter: w}
	answer.WriteHeader(http.StatusNoContent)

	var notice struct {
		Type    string `json:"type"`
		Subject string `json:"subject"` // the event
		Data    struct {
			Event string `json:"event"` // of the message that a status is about
		} `json:"data"`
	}

	_ = json.Unmarshal(request.Bytes(), &notice) // of another form nothing is known

	eventID := cmp.Or(notice.Data.Event, notice.Subject)
	s.journal.add(Trace{
		EventID:  eventID,
		Kind:     TraceNotice,
		Title:    "Notice of the receiver: " + strings.TrimPrefix(notice.Type, "dev.wawebhook."),
		Exchange: exchangeOf(r, s.sink.url, request, answer),
	})
}

// messagesProxy passes calls of the messages API on to the receiver, and records them.
func (s *Server) messagesProxy() http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			if target, err := url.Parse(s.rig.Local.MessagesURL()); err == nil {
				r.SetURL(target)
			}
		},
		Transport: s.meta.client.Transport,
		ErrorLog:  quiet,
	}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		request := watchBody(r)
		answer := &watchedAnswer{ResponseWriter: w}

		defer func() { s.recordLater(r, request, answer, time.Since(began)) }()

		proxy.ServeHTTP(answer, r)
	})
}

// recordLater adds a call of the messages API to the journal.
func (s *Server) recordLater(r *http.Request, request *captured, answer *watchedAnswer, took time.Duration) {
	var posted struct {
		InReplyTo string `json:"in_reply_to"`
	}

	var stored struct {
		ID string `json:"id"`
	}

	_ = json.Unmarshal(request.Bytes(), &posted) // the receiver refuses another form
	_ = json.Unmarshal(answer.body.Bytes(), &stored)

	eventID := cmp.Or(posted.InReplyTo, stored.ID)
	t := Trace{
		EventID:  eventID,
		Kind:     TraceLater,
		Level:    LevelOK,
		Title:    fmt.Sprintf("Messages API called: %s → %d", r.Method, answer.status),
		TookMS:   took.Milliseconds(),
		Exchange: exchangeOf(r, s.URL()+r.URL.Path, request, answer),
	}

	if answer.status >= http.StatusBadRequest || answer.status == 0 {
		t.Level = LevelError
		t.Code = fmt.Sprint(answer.status)
	}

	s.journal.add(t)
}

// serveFile answers with a file of the chat. The person's files are served from the page's origin, so that nothing in them
// may run.
//
// Parts of it can be asked for, without which a browser finds neither the length of a recording nor a place in it.
func serveFile(w http.ResponseWriter, r *http.Request, mimeType string, content []byte) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	w.Header().Set("Content-Type", mimeType)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
