// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/questions"
)

const (
	questionsPath = "/questions"
	// pingInterval is how often a line is written to a listener when nothing is asked, so that a connection that has broken is
	// noticed.
	pingInterval = 10 * time.Second
	// lineTimeout bounds the time that a line may take.
	lineTimeout = 10 * time.Second
)

// questions streams what the receiver asks its AI, a line of JSON for each question, until the caller goes.
func (a *api) questions(w http.ResponseWriter, r *http.Request) {
	listener, err := a.Questions.Listen()

	switch {
	case errors.Is(err, questions.ErrTooMany):
		http.Error(w, err.Error(), http.StatusTooManyRequests)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}

	defer listener.Close()

	reveal := reveals(r)
	if reveal {
		a.audit(route{path: questionsPath}, r, http.StatusOK, reveal) // before the first question
	}

	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")

	a.stream(w, r, listener, reveal)
}

// stream writes lines until the caller goes, is too slow for a line, or the receiver ends.
func (a *api) stream(w http.ResponseWriter, r *http.Request, listener *questions.Listener, reveal bool) {
	controller := http.NewResponseController(w)
	_ = controller.SetReadDeadline(time.Time{}) // that of the request would end the stream

	encoder := json.NewEncoder(w)

	write := func(line questions.Line) bool {
		deadline := time.Now().Add(lineTimeout) // a deadline of the connection is in real time

		return controller.SetWriteDeadline(deadline) == nil && encoder.Encode(line) == nil && controller.Flush() == nil
	}

	ping := a.Clock.NewTicker(pingInterval)
	defer ping.Stop()

	for alive := write(questions.Line{Kind: questions.KindPing}); alive; {
		select {
		case <-r.Context().Done():
			return
		case <-ping.Chan():
			alive = write(questions.Line{Kind: questions.KindPing})
		case asked, open := <-listener.Questions:
			if !open {
				return
			}

			alive = a.show(asked, reveal, write)
		}

		if lost := listener.Lost(); alive && lost > 0 {
			alive = write(questions.Line{Kind: questions.KindLost, Lost: lost})
		}
	}
}

func (a *api) show(asked assistant.Asked, reveal bool, write func(questions.Line) bool) bool {
	question, err := questions.Show(asked, reveal, a.ids().Encode)
	if err != nil {
		a.Log.Error("encoding a question for the listener failed", "error", err)
		return true
	}

	return write(questions.Line{Kind: questions.KindQuestion, Question: question})
}
