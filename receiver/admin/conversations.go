// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/takeover"
)

const noSuchConversation = "no such conversation"

// Conversation says who has a conversation. Its name contains the person's phone number or user id.
type Conversation struct {
	Name          string     `json:"name"`
	TakenOver     bool       `json:"taken_over"`
	By            string     `json:"by"` // a store.Holder; assistant for the AI
	Since         *time.Time `json:"since,omitempty"`
	Until         *time.Time `json:"until,omitempty"`
	Event         string     `json:"event,omitempty"`  // id of the message whose answer handed the conversation off
	Reason        string     `json:"reason,omitempty"` // in the words of the AI that handed it off, or of the person who took it over
	LastMessageAt *time.Time `json:"last_message_at,omitempty"`
}

func (c Console) newConversation(ctx context.Context, name string, state store.Conversation) Conversation {
	current := state.Takeover
	conversation := Conversation{
		Name:          name,
		TakenOver:     current.Active(c.Clock.Now()),
		By:            takeover.HolderName(store.Assistant),
		Since:         optional(current.At),
		LastMessageAt: optional(state.LastInboundAt),
	}

	if !conversation.TakenOver {
		return conversation
	}

	conversation.By = takeover.HolderName(current.By)
	conversation.Until = optional(current.Until)
	conversation.Reason = c.takeovers().Reason(ctx, name, current)

	if current.Event != (store.ID{}) {
		conversation.Event = current.Event.String()
	}

	return conversation
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}

	return new(t.UTC())
}

// conversations answers with a page of the conversations that people have, by name. next is the name to continue after;
// the last page has none.
func (c Console) conversations(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()

	err := checkKeys(query, "state", "after", "limit")
	if state := query.Get("state"); err == nil && state != "" && state != "taken_over" {
		err = fmt.Errorf("state is %q, want taken_over", state)
	}

	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	limit, err := parseLimit(query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	found, err := c.Store.TakenOver(r.Context(), c.Clock.Now(), query.Get("after"), limit)
	if err != nil {
		c.fail(w, err, noSuchConversation)
		return
	}

	page := struct {
		Conversations []Conversation `json:"conversations"`
		Next          string         `json:"next,omitempty"`
	}{Conversations: []Conversation{}}
	for _, named := range found {
		page.Conversations = append(page.Conversations, c.newConversation(r.Context(), named.Name, named.Conversation))
	}

	if len(found) == limit {
		page.Next = found[len(found)-1].Name
	}

	answer(w, http.StatusOK, page)
}

func (c Console) conversation(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")

	state, err := c.Store.Conversation(r.Context(), name)
	if err != nil {
		c.fail(w, err, noSuchConversation)
		return
	}

	answer(w, http.StatusOK, c.newConversation(r.Context(), name, state))
}

// takeOver gives a conversation to people, for processing.handoffDuration unless the parameter for says otherwise.
func (c Console) takeOver(w http.ResponseWriter, r *http.Request) {
	duration := c.Live.Current().Processing.HandoffDuration

	if text := r.URL.Query().Get("for"); text != "" {
		var err error
		if duration, err = time.ParseDuration(text); err != nil || duration <= 0 || duration > takeover.MaxDuration {
			http.Error(w, "for is no duration like 30m or 2h, up to 720h", http.StatusBadRequest)
			return
		}
	}

	c.change(w, r, takeover.Change{By: store.Desk, Until: c.Clock.Now().Add(duration)})
}

// giveBack gives a conversation to the AI.
func (c Console) giveBack(w http.ResponseWriter, r *http.Request) {
	c.change(w, r, takeover.Change{By: store.Assistant})
}

// change changes who has a conversation, from now on, and announces it if the AI had handed it off.
func (c Console) change(w http.ResponseWriter, r *http.Request, change takeover.Change) {
	if err := checkKeys(r.URL.Query(), "for"); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	name := r.PathValue("name")

	state, err := c.takeovers().Apply(r.Context(), name, change)
	if err != nil {
		c.fail(w, err, noSuchConversation)
		return
	}

	answer(w, http.StatusOK, c.newConversation(r.Context(), name, state))
}

func (c Console) takeovers() takeover.Changer {
	return takeover.Changer{
		Store: c.Store,
		Live:  c.Live,
		Wake:  c.Wake,
		Clock: c.Clock,
		Log:   c.Log,
	}
}
