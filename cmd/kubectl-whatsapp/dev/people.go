// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// handlerPollInterval is how often the store is asked who has each conversation.
const handlerPollInterval = 300 * time.Millisecond

// observeDesk returns the desk that records the reports that it gets.
func (s *Server) observeDesk(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		request := watchBody(r)
		answer := &watchedAnswer{ResponseWriter: w}

		next.ServeHTTP(answer, r)

		var report struct {
			Method  string `json:"method"`
			EventID string `json:"event_id"`
		}

		_ = json.Unmarshal(request.Bytes(), &report) // the desk refuses another form

		s.journal.add(Trace{
			EventID:  report.EventID,
			Kind:     TraceDesk,
			Level:    LevelOK,
			Title:    fmt.Sprintf("Reported to the people: %s → %d", report.Method, answer.status),
			TookMS:   time.Since(began).Milliseconds(),
			Exchange: exchangeOf(r, s.rig.DeskURL(), request, answer),
		})
	})
}

// lane returns the name of a person's conversation in the store.
func lane(p Person) string { return phoneNumberID + ":" + p.Number }

// setHandler gives a person's conversation to people or to the AI, as the desk does. The person must have written.
func (s *Server) setHandler(ctx context.Context, p Person, handler string) error {
	request := map[string]any{"handler": "ai"}
	if handler == HandlerPeople {
		request["handler"] = "human"
	}

	status, answer, err := s.rig.MessagesAPI(s.secrets.deskKey).SetHandler(ctx, lane(p), request)

	switch {
	case err != nil:
		return fmt.Errorf("change who has the conversation: %w", err)
	case status == http.StatusNotFound:
		return conflict(p.Name + " has not written yet: send a message first")
	case status != http.StatusOK:
		return fmt.Errorf("change who has the conversation: the receiver answered %d %v", status, answer)
	}

	return nil
}

// handlerOf returns who has a person's conversation: the AI before the first message.
func (s *Server) handlerOf(ctx context.Context, p Person) string {
	conversation, err := s.rig.Local.Store().Conversation(ctx, lane(p))
	if err != nil || !conversation.Takeover.Active(s.clock.Now()) {
		return HandlerAI
	}

	return HandlerPeople
}

// watchHandlers shows who has each conversation after every change.
func (s *Server) watchHandlers() {
	tick := time.NewTicker(handlerPollInterval)
	defer tick.Stop()

	for {
		for _, p := range s.chat.listPeople() {
			handler := s.handlerOf(s.ctx, p)
			if s.chat.setHandler(p.ID, handler) {
				s.handlerChanged(p, handler)
			}
		}

		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) handlerChanged(p Person, handler string) {
	t := Trace{
		Person: p.ID,
		Kind:   TraceHandler,
		Level:  LevelWarning,
		Title:  "People have the conversation with " + p.Name,
		Detail: "The AI is not asked. The person's messages go to the desk, which repeats them here.",
	}
	if handler == HandlerAI {
		t.Level = LevelOK
		t.Title = "The AI has the conversation with " + p.Name + " again"
		t.Detail = ""
	}

	s.journal.add(t)
	s.faults.handlerChanged()
}

// origin returns who wrote the message that an event sends, and the event of the question that it answers, if there is one.
func (m *meta) origin(eventID string) (sender MessageSender, question string) {
	id, err := store.ParseID(eventID)
	if err != nil {
		return SenderAI, eventID
	}

	record, err := m.server.rig.Local.Store().Get(m.server.ctx, id)
	if err != nil {
		return SenderAI, eventID
	}

	for _, reply := range record.Replies {
		if reply.Fallback && reply.State == store.Sending {
			return SenderReceiver, eventID
		}
	}

	var posted outbound.Message
	if record.Event.Kind != store.KindOutbound || json.Unmarshal(record.Event.Payload, &posted) != nil {
		return SenderAI, eventID
	}

	question = cmp.Or(posted.Question, eventID)

	switch {
	case posted.Fallback:
		return SenderReceiver, question
	case posted.Role == outbound.Desk:
		return SenderPeople, question
	default:
		return SenderAI, question
	}
}
