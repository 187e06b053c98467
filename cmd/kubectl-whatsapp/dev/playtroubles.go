// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// playAI answers a question in the place of the AI, or delays it. It reports whether it answered.
func (t *troubles) playAI(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case t.isOn(TroubleAIDown):
		drain(r)
		http.Error(w, "down", http.StatusServiceUnavailable)
	case t.isOn(TroubleAI429):
		drain(r)
		w.Header().Set("Retry-After", retryAfter)
		http.Error(w, "too many requests", http.StatusTooManyRequests)
	case t.isOn(TroubleAIGarbage):
		drain(r)
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>It works</title>")
	default:
		t.delay(r)
		return false
	}

	return true
}

// delay lets a question wait while the AI is slow.
func (t *troubles) delay(r *http.Request) {
	on, off := t.until(TroubleAISlow)
	if !on {
		return
	}

	timer := time.NewTimer(slowAnswer)
	defer timer.Stop()

	select {
	case <-timer.C:
	case <-off:
	case <-r.Context().Done():
	case <-t.server.ctx.Done():
	}
}

// playGraph answers a call in the place of Meta. It reports whether it did.
func (t *troubles) playGraph(w http.ResponseWriter, r *http.Request, call graphCall, next http.Handler) bool {
	switch {
	case t.isOn(TroubleTokenRefused):
		graphRefusal(w, http.StatusUnauthorized, 190, "Error validating access token: Session has expired.")
	case call.isMessage && t.isOn(TroubleRateLimit):
		graphRefusal(w, http.StatusBadRequest, 131056, "(#131056) (Business Account, Consumer Account) pair rate limit hit")
	case call.isMessage && t.takeOnce(TroubleSendUnknown):
		next.ServeHTTP(unsent{header: http.Header{}}, r)
		t.over(TroubleSendUnknown, "Meta has accepted the message, and the receiver does not know it: it waits for a status.")
		panic(http.ErrAbortHandler) // net/http cuts the connection
	default:
		return false
	}

	return true
}

// graphRefusal answers as the Graph API does.
func graphRefusal(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{
		"message":    message,
		"type":       "OAuthException",
		"code":       code,
		"error_data": map[string]string{"messaging_product": "whatsapp", "details": message},
		"fbtrace_id": "Adev",
	}})
}

// unsent is the answer that is lost with its connection.
type unsent struct{ header http.Header }

func (u unsent) Header() http.Header         { return u.header }
func (u unsent) WriteHeader(int)             {}
func (u unsent) Write(p []byte) (int, error) { return len(p), nil }

// turnPeople gives the conversation of a person to people, or those of all people back to the AI.
func (s *Server) turnPeople(ctx context.Context, person Person, wanted Switch) (Trouble, error) {
	if wanted.On {
		if err := s.setHandler(ctx, person, HandlerPeople); err != nil {
			return Trouble{}, err
		}

		return s.troubles.turn(TroublePeople, true)
	}

	kept := false

	for _, p := range s.chat.everyone() {
		if s.handlerOf(ctx, p) != HandlerPeople {
			continue
		}

		if wanted.Person != "" && p.ID != person.ID {
			kept = true
			continue
		}

		if err := s.setHandler(ctx, p, HandlerAI); err != nil {
			return Trouble{}, err
		}
	}

	if kept {
		return s.troubles.get(TroublePeople)
	}

	return s.troubles.turn(TroublePeople, false)
}

// handlerChanged lets the trouble follow what happened otherwise: an AI hands over, and people give back.
func (t *troubles) handlerChanged() {
	for _, p := range t.server.chat.everyone() {
		if p.Handler == HandlerPeople {
			_, _, _ = t.set(TroublePeople, true)
			return
		}
	}

	_, _, _ = t.set(TroublePeople, false)
}

// turnDayLater sets the clock ahead by a day, and lets the AI write to a person unasked.
func (s *Server) turnDayLater(ctx context.Context, person Person, wanted Switch) (Trouble, error) {
	if !wanted.On {
		return s.troubles.turn(TroubleDayLater, false)
	}

	if trouble, err := s.troubles.turn(TroubleDayLater, true); err != nil {
		return trouble, err
	}

	s.setAhead(dayLater)
	s.writeUnasked(ctx, person)

	s.troubles.over(TroubleDayLater, "The clock stays ahead. The next message of the person opens the window again.")

	return s.troubles.get(TroubleDayLater)
}

// writeUnasked posts a message to a person, as the AI may at any time.
func (s *Server) writeUnasked(ctx context.Context, person Person) {
	posted, err := standin.Post(ctx,
		func() standin.MessagesAPI {
			return standin.MessagesAPI{
				URL:    s.rig.Local.MessagesURL(),
				Key:    s.secrets.assistantKey,
				Client: s.meta.client,
			}
		},
		fmt.Sprintf("unasked-%d", s.clock.Now().UnixNano()),
		map[string]any{"conversation_key": lane(person), "response": "Are you still there?"})

	t := Trace{
		Person: person.ID,
		Kind:   TraceLater,
		Level:  LevelWarning,
		Title:  fmt.Sprintf("AI posts a message unasked → %d", posted.Status),
		Exchange: &Exchange{
			Method:   http.MethodPost,
			URL:      s.URL() + "/v1/messages",
			Status:   posted.Status,
			Request:  `{"conversation_key": "` + lane(person) + `", "response": "Are you still there?"}`,
			Response: posted.Body,
		},
	}
	if err != nil {
		t.Detail = err.Error()
	}

	if posted.Status == http.StatusUnprocessableEntity {
		t.Code = "window_closed"
		t.Detail = "24 hours after the person's last message Meta takes only templates. Post a template instead."
	}

	s.journal.add(t)
}
