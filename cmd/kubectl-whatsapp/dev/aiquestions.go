// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// unreachable answers a question that did not reach the AI.
func (a *ai) unreachable(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		a.setProblem(whyUnreachable(a.target, err))
	}

	http.Error(w, "the AI cannot be reached", http.StatusBadGateway)
}

// serve passes a question on to the AI, and records it with its answer.
func (a *ai) serve(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	question := watchBody(r)
	answer := &watchedAnswer{ResponseWriter: w}

	defer func() { a.record(r, question, answer, time.Since(began)) }()

	if a.server.faults.injectAI(answer, r) {
		return
	}

	a.proxy.ServeHTTP(answer, r)
}

// record adds a question to the journal.
func (a *ai) record(r *http.Request, question *captured, answer *watchedAnswer, took time.Duration) {
	about := questionAbout(r, question)

	switch {
	case about.status != "":
		about.eventID = a.server.chat.eventOf(about.status)
	case about.eventID == "":
		about.eventID = a.server.meta.newestEvent() // a question to a model names no event
	}

	t := Trace{
		EventID:  about.eventID,
		Kind:     TraceQuestion,
		Level:    LevelOK,
		Title:    "AI asked: " + about.what,
		TookMS:   took.Milliseconds(),
		Exchange: exchangeOf(r, a.address(r), question, answer),
	}

	if about.status != "" {
		t.Title = "Status reported to the AI"
	}

	switch {
	case answer.status == 0:
		t.Level = LevelError
		t.Title += " → no answer"
	case answer.status >= http.StatusBadRequest:
		t.Level = LevelError
		t.Code = fmt.Sprint(answer.status)
		t.Title += " → " + t.Code
		t.Detail = a.state().Problem
	default:
		t.Title += fmt.Sprintf(" → %d", answer.status)
	}

	a.server.journal.add(t)
}

// drain reads the rest of a request that the AI does not get.
func drain(r *http.Request) { _, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxCaptured)) }
