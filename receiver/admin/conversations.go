// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	noSuchConversation = "no such conversation"
	// maxTakeover bounds how long a person can take a conversation over at once.
	maxTakeover = 30 * 24 * time.Hour
)

// Conversation says who has a conversation. Its name contains the person's phone number or user id.
type Conversation struct {
	Name          string     `json:"name"`
	TakenOver     bool       `json:"taken_over"`
	By            string     `json:"by"` // a store.Holder; assistant for the AI
	Since         *time.Time `json:"since,omitempty"`
	Until         *time.Time `json:"until,omitempty"`
	Event         string     `json:"event,omitempty"`  // id of the message whose answer handed the conversation off
	Reason        string     `json:"reason,omitempty"` // of the handoff, in the words of the AI
	LastMessageAt *time.Time `json:"last_message_at,omitempty"`
}

func (c Console) newConversation(ctx context.Context, name string, state store.Conversation) Conversation {
	takeover := state.Takeover
	conversation := Conversation{
		Name:          name,
		TakenOver:     takeover.Active(c.Clock.Now()),
		By:            holder(store.Assistant),
		Since:         optional(takeover.At),
		LastMessageAt: optional(state.LastInboundAt),
	}

	if !conversation.TakenOver {
		return conversation
	}

	conversation.By = holder(takeover.By)
	conversation.Until = optional(takeover.Until)

	if takeover.Event != (store.ID{}) {
		conversation.Event = takeover.Event.String()
		conversation.Reason = c.reason(ctx, name, takeover)
	}

	return conversation
}

// holder returns the name of a holder.
func holder(h store.Holder) string { return cmp.Or(string(h), "assistant") }

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}

	return new(t.UTC())
}

// reason returns why the AI handed a conversation off, or "" if the notice of it was purged.
func (c Console) reason(ctx context.Context, name string, takeover store.Takeover) string {
	record, err := c.Store.Get(ctx, notice.HandoffID(numberOf(name), takeover))
	if err != nil {
		return ""
	}

	var stored struct {
		Data notice.Handoff `json:"data"`
	}
	if json.Unmarshal(record.Event.Payload, &stored) != nil {
		return ""
	}

	return stored.Data.Reason
}

// numberOf returns the id of the phone number of a conversation, with which every name begins.
func numberOf(name string) string {
	number, _, _ := strings.Cut(name, ":")
	return number
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
		if duration, err = time.ParseDuration(text); err != nil || duration <= 0 || duration > maxTakeover {
			http.Error(w, "for is no duration like 30m or 2h, up to 720h", http.StatusBadRequest)
			return
		}
	}

	until := c.Clock.Now().Add(duration)
	c.change(w, r, store.Takeover{By: store.Desk, Until: until}, notice.TakenOver)
}

// giveBack gives a conversation to the AI.
func (c Console) giveBack(w http.ResponseWriter, r *http.Request) {
	c.change(w, r, store.Takeover{By: store.Assistant}, notice.Returned)
}

// change changes who has a conversation, from now on, and announces it if the AI had handed it off.
func (c Console) change(w http.ResponseWriter, r *http.Request, takeover store.Takeover, kind string) {
	if err := checkKeys(r.URL.Query(), "for"); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	ctx := r.Context()
	name := r.PathValue("name")

	before, err := c.Store.Conversation(ctx, name)
	if err != nil {
		c.fail(w, err, noSuchConversation)
		return
	}

	now := c.Clock.Now()
	// Meta's clock may be ahead of this one: an older change would be ignored.
	takeover.At = later(now, before.Takeover.At.Add(time.Millisecond))

	if err := c.Store.TakeOver(ctx, name, takeover, now); err != nil {
		c.fail(w, err, noSuchConversation)
		return
	}

	c.Log.Info("who has a conversation was changed", "by", takeover.By, "until", takeover.Until)
	c.announce(ctx, name, before.Takeover, takeover, kind)
	c.Wake(store.Conversations, store.Notices)

	state, err := c.Store.Conversation(ctx, name)
	if err != nil {
		c.fail(w, err, noSuchConversation)
		return
	}

	answer(w, http.StatusOK, c.newConversation(ctx, name, state))
}

// announce stores a notice that a conversation which the AI handed off has another holder. Its subject is the message
// whose answer handed it off, as in the notice of the handoff. Other changes have no subject that does not name the
// person.
func (c Console) announce(ctx context.Context, name string, before, after store.Takeover, kind string) {
	wasHandedOff := before.Event != (store.ID{}) && before.Active(c.Clock.Now())
	if !wasHandedOff || c.Live.Current().Notifications.SinkURL == "" {
		return
	}

	data, _ := json.Marshal(map[string]any{"by": holder(after.By)}) // strings always encode
	event := notice.Notice{
		Type:    kind,
		Source:  notice.Number(numberOf(name)),
		Subject: before.Event.String(),
		Time:    after.At.UTC(),
		Data:    data,
	}.Event(notice.HandoffOccurrence(after.At))

	if _, err := c.Store.Ingest(ctx, []store.Event{event}); err != nil {
		c.Log.Error("store the notice of a conversation's new holder", "error", err)
	}
}
