// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/conversationid"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/takeover"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const noSuchConversation = "no such conversation: it may have been purged, or its id was made with an app secret that is no longer configured; " +
	"list the conversations again"

// Conversation says who has a conversation. Name, Reason and AIConversationID are set only if the request reveals them.
type Conversation struct {
	ID               string     `json:"id,omitempty"` // reveals no name; empty if no app secret is configured
	Person           string     `json:"person"`       // masked
	Group            bool       `json:"group,omitempty"`
	PhoneNumberID    string     `json:"phone_number_id"`
	Name             string     `json:"name,omitempty"`
	TakenOver        bool       `json:"taken_over"`
	By               string     `json:"by"` // a store.Holder; assistant for the AI
	Since            *time.Time `json:"since,omitempty"`
	Until            *time.Time `json:"until,omitempty"`
	Event            string     `json:"event,omitempty"`  // id of the message whose answer handed the conversation off
	Reason           string     `json:"reason,omitempty"` // in the words of the AI that handed it off, or of the person who took it over
	WaitingSince     *time.Time `json:"waiting_since,omitempty"`
	LastMessageAt    *time.Time `json:"last_message_at,omitempty"`
	WindowClosesAt   *time.Time `json:"window_closes_at,omitempty"`
	TemplateRequired bool       `json:"template_required"`
	AIConversationID string     `json:"ai_conversation_id,omitempty"`
}

func (a *api) newConversation(
	ctx context.Context,
	ids *conversationid.Codec,
	name string,
	state store.Conversation,
	reveal bool,
) Conversation {
	now := a.Clock.Now()
	current := state.Takeover
	number, _, _ := strings.Cut(name, ":")
	conversation := Conversation{
		ID:               ids.Encode(name),
		Person:           masked(name),
		Group:            isGroup(name),
		PhoneNumberID:    number,
		TakenOver:        current.Active(now),
		By:               takeover.HolderName(store.Assistant),
		Since:            optional(current.At),
		LastMessageAt:    optional(state.LastInboundAt),
		TemplateRequired: state.TemplateRequired,
	}

	if !state.LastInboundAt.IsZero() {
		conversation.WindowClosesAt = optional(state.LastInboundAt.Add(whatsapp.ServiceWindow))
	}

	if reveal {
		conversation.Name = name
		conversation.AIConversationID = state.AIConversationID
	}

	if !conversation.TakenOver {
		return conversation
	}

	conversation.By = takeover.HolderName(current.By)
	conversation.Until = optional(current.Until)
	conversation.WaitingSince = optional(state.WaitsSince())

	if reveal {
		conversation.Reason = a.takeovers().Reason(ctx, name, current)
	}

	if handoff, ok := current.Handoff(); ok {
		conversation.Event = handoff.String()
	}

	return conversation
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}

	return new(t.UTC())
}

// conversation answers with one conversation.
func (a *api) conversation(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r) {
		return
	}

	name, ok := a.conversationOf(w, r)
	if !ok {
		return
	}

	state, err := a.Store.Conversation(r.Context(), name)
	if err != nil {
		a.fail(w, err, noSuchConversation)
		return
	}

	answer(w, http.StatusOK, a.newConversation(r.Context(), a.ids(), name, state, reveals(r)))
}

// takeOver gives a conversation to people, for processing.handoffDuration unless the parameter for says otherwise.
func (a *api) takeOver(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r, "for") {
		return
	}

	duration := a.Live.Current().Processing.HandoffDuration

	if text := r.URL.Query().Get("for"); text != "" {
		var err error
		if duration, err = takeover.ParseDuration(text); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}

	a.change(w, r, takeover.Change{By: store.Desk, Until: a.Clock.Now().Add(duration)})
}

// giveBack gives a conversation to the AI.
func (a *api) giveBack(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r) {
		return
	}

	a.change(w, r, takeover.Change{By: store.Assistant})
}

// change changes who has a conversation, from now on, and announces it if the AI had handed it off.
func (a *api) change(w http.ResponseWriter, r *http.Request, change takeover.Change) {
	name, ok := a.conversationOf(w, r)
	if !ok {
		return
	}

	state, err := a.takeovers().Apply(r.Context(), name, change)
	if err != nil {
		a.fail(w, err, noSuchConversation)
		return
	}

	answer(w, http.StatusOK, a.newConversation(r.Context(), a.ids(), name, state, reveals(r)))
}

func (a *api) takeovers() takeover.Changer {
	return takeover.Changer{
		Store: a.Store,
		Live:  a.Live,
		Wake:  a.Wake,
		Clock: a.Clock,
		Log:   a.Log,
	}
}
