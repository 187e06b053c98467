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

// injectAI answers a question in the place of the AI, or delays it. It reports whether it answered.
func (f *faults) injectAI(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case f.isOn(FaultAIDown):
		drain(r)
		http.Error(w, "down", http.StatusServiceUnavailable)
	case f.isOn(FaultAI429):
		drain(r)
		w.Header().Set("Retry-After", retryAfter)
		http.Error(w, "too many requests", http.StatusTooManyRequests)
	case f.isOn(FaultAIGarbage):
		drain(r)
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>It works</title>")
	default:
		f.delay(r)
		return false
	}

	return true
}

// delay lets a question wait while the AI is slow.
func (f *faults) delay(r *http.Request) {
	on, off := f.until(FaultAISlow)
	if !on {
		return
	}

	timer := time.NewTimer(slowAnswer)
	defer timer.Stop()

	select {
	case <-timer.C:
	case <-off:
	case <-r.Context().Done():
	case <-f.server.ctx.Done():
	}
}

// injectGraph answers a call in the place of Meta. It reports whether it did.
func (f *faults) injectGraph(w http.ResponseWriter, r *http.Request, call graphCall, next http.Handler) bool {
	switch {
	case f.isOn(FaultTokenRefused):
		graphRefusal(w, http.StatusUnauthorized, 190, "Error validating access token: Session has expired.")
	case call.isMessage && f.isOn(FaultRateLimit):
		graphRefusal(w, http.StatusBadRequest, 131056, "(#131056) (Business Account, Consumer Account) pair rate limit hit")
	case call.isMessage && f.takeOnce(FaultSendUnknown):
		next.ServeHTTP(unsent{header: http.Header{}}, r)
		f.turnOff(FaultSendUnknown, "Meta has accepted the message, and the receiver does not know it: it waits for a status.")
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

// unsent is an answer that is not sent, because its connection is closed.
type unsent struct{ header http.Header }

func (u unsent) Header() http.Header         { return u.header }
func (u unsent) WriteHeader(int)             {}
func (u unsent) Write(p []byte) (int, error) { return len(p), nil }

// turnPeople gives the conversation of a person to people, or those of all people back to the AI.
func (s *Server) turnPeople(ctx context.Context, person Person, wanted Switch) (Fault, error) {
	if wanted.On {
		if err := s.setHandler(ctx, person, HandlerPeople); err != nil {
			return Fault{}, err
		}

		return s.faults.turn(FaultPeople, true)
	}

	kept := false

	for _, p := range s.chat.listPeople() {
		if s.handlerOf(ctx, p) != HandlerPeople {
			continue
		}

		if wanted.Person != "" && p.ID != person.ID {
			kept = true
			continue
		}

		if err := s.setHandler(ctx, p, HandlerAI); err != nil {
			return Fault{}, err
		}
	}

	if kept {
		return s.faults.get(FaultPeople)
	}

	return s.faults.turn(FaultPeople, false)
}

// handlerChanged updates the fault after other changes of the holder: a handoff by the AI, or a return by people.
func (f *faults) handlerChanged() {
	for _, p := range f.server.chat.listPeople() {
		if p.Handler == HandlerPeople {
			_, _, _ = f.set(FaultPeople, true)
			return
		}
	}

	_, _, _ = f.set(FaultPeople, false)
}

// turnDayLater sets the clock ahead by a day, and lets the AI write to a person unasked.
func (s *Server) turnDayLater(ctx context.Context, person Person, wanted Switch) (Fault, error) {
	if !wanted.On {
		return s.faults.turn(FaultDayLater, false)
	}

	if fault, err := s.faults.turn(FaultDayLater, true); err != nil {
		return fault, err
	}

	s.setAhead(dayLater)
	s.writeUnasked(ctx, person)

	s.faults.turnOff(FaultDayLater, "The clock stays ahead. The next message of the person opens the window again.")

	return s.faults.get(FaultDayLater)
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
