// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// Message is a message of a conversation with its answer, or an outbound message. Texts are set only if the request
// reveals them.
type Message struct {
	Seq   int64       `json:"seq"`
	ID    string      `json:"id"`
	At    time.Time   `json:"at"`
	From  string      `json:"from"` // person, assistant or desk
	Type  string      `json:"type,omitempty"`
	Text  string      `json:"text,omitempty"` // what the person wrote
	State store.State `json:"state"`
	// Changes is the id of the message that this one edits or deletes.
	Changes string `json:"changes,omitempty"`
	// Attempts failed and counted.
	Attempts int    `json:"attempts,omitempty"`
	Answer   []Part `json:"answer"` // to the person
}

// Part is one WhatsApp message to the person.
type Part struct {
	At       *time.Time       `json:"at"` // of the last send; null before the first
	Type     string           `json:"type"`
	Text     string           `json:"text,omitempty"`
	State    store.ReplyState `json:"state"`
	Resends  int              `json:"resends,omitempty"`
	Fallback bool             `json:"fallback,omitempty"`
	Statuses []Status         `json:"statuses"` // of each participant of a group; at most one of a person
}

// Status is how far a message to the person got, as Meta reported it.
type Status struct {
	Status      string    `json:"status"` // sent, delivered, read, played or failed
	At          time.Time `json:"at"`
	ErrorCode   int       `json:"error_code,omitempty"`
	Participant string    `json:"participant,omitempty"` // of a group, masked unless the request reveals it
}

// statuses are the statuses of messages, by the id of the message.
type statuses map[string][]store.StatusUpdate

func newStatuses(updates []store.StatusUpdate) statuses {
	byMessage := statuses{}
	for _, update := range updates {
		byMessage[update.MessageID] = append(byMessage[update.MessageID], update)
	}

	return byMessage
}

func (s statuses) of(messageID string, reveal bool) []Status {
	list := make([]Status, 0, len(s[messageID]))

	for _, update := range s[messageID] {
		participant := update.Participant
		if !reveal && participant != "" {
			participant = masked(":" + participant)
		}

		list = append(list, Status{
			Status:      update.Status,
			At:          update.At.UTC(),
			ErrorCode:   update.ErrorCode,
			Participant: participant,
		})
	}

	return list
}

func newMessage(r store.Record, ticks statuses, reveal bool) Message {
	m := Message{
		Seq:      r.Seq,
		ID:       r.Event.ID.String(),
		At:       r.Event.ReceivedAt.UTC(),
		From:     "person",
		State:    r.Event.State,
		Attempts: r.Attempts,
		Answer:   []Part{},
	}

	if r.Event.Kind == store.KindOutbound {
		m.From = string(outbound.Assistant)
		if r.Event.Type == string(outbound.Desk) {
			m.From = string(outbound.Desk)
		}
	} else {
		m.Type = r.Event.Type
		m.Changes = changedMessage(r.Event)

		if reveal {
			m.Text = textOf(&r)
		}
	}

	for _, reply := range r.Replies {
		part := Part{
			At:       optional(reply.StartedAt),
			Type:     reply.Type,
			State:    reply.State,
			Resends:  reply.Resends,
			Fallback: reply.Fallback,
			Statuses: ticks.of(reply.MessageID, reveal),
		}
		if reveal {
			part.Text = cloudapi.PlainText(reply.Body)
		}

		m.Answer = append(m.Answer, part)
	}

	return m
}

// changedMessage returns the id of the message that an event edits or deletes, or "" if it does neither.
func changedMessage(event store.Event) string {
	if event.Type != "edit" && event.Type != "revoke" {
		return ""
	}

	item, err := whatsapp.Decode(event.Payload)
	if err != nil {
		return ""
	}

	message, err := item.Message()
	if err != nil {
		return ""
	}

	original, ok := message.Revoke()
	if edit, isEdit := message.Edit(); isEdit {
		original = edit.OriginalID
		ok = true
	}

	if !ok {
		return ""
	}

	return store.NewID(store.KindMessage, event.PhoneNumberID, string(original)).String()
}

// textOf returns what the person wrote or said, or "" if it is not stored or cannot be read.
func textOf(r *store.Record) string { return cmp.Or(r.Transcript, plainText(r.Event.Payload)) }

// plainText returns a stored message as a text, or "" if it cannot be read.
func plainText(payload []byte) string {
	item, err := whatsapp.Decode(payload)
	if err != nil {
		return ""
	}

	message, err := item.Message()
	if err != nil {
		return ""
	}

	return message.PlainText()
}

// MessagePage is a page of the messages of a conversation, the newest first. Next is the seq to continue before; the last
// page has none.
type MessagePage struct {
	Messages []Message `json:"messages"`
	Next     int64     `json:"next,omitempty"`
}

// messages answers with a page of the messages of a conversation.
func (a *api) messages(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r, "before", "limit") {
		return
	}

	name, ok := a.conversationOf(w, r)
	if !ok {
		return
	}

	before, limit, err := parseBefore(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	found, err := a.Store.History(r.Context(), name, before, time.Time{}, limit)
	if err != nil {
		a.fail(w, err, noSuchConversation)
		return
	}

	ticks, err := a.statusesOf(r.Context(), found)
	if err != nil {
		a.fail(w, err, noSuchConversation)
		return
	}

	page := MessagePage{Messages: []Message{}}
	for _, record := range found {
		page.Messages = append(page.Messages, newMessage(record, ticks, reveals(r)))
	}

	if len(found) == limit {
		page.Next = found[len(found)-1].Seq
	}

	answer(w, http.StatusOK, page)
}

// statusesOf returns the statuses of the answers to events of one conversation.
func (a *api) statusesOf(ctx context.Context, records []store.Record) (statuses, error) {
	var (
		number string
		sent   []string
	)

	for i := range records {
		number = records[i].Event.PhoneNumberID

		for _, reply := range records[i].Replies {
			if reply.MessageID != "" {
				sent = append(sent, reply.MessageID)
			}
		}
	}

	if len(sent) == 0 {
		return nil, nil
	}

	updates, err := a.Store.Statuses(ctx, number, sent)

	return newStatuses(updates), err
}

// parseBefore returns where a page begins, newest first, and how many entries it has at most.
func parseBefore(query url.Values) (before int64, limit int, err error) {
	if text := query.Get("before"); text != "" {
		if before, err = strconv.ParseInt(text, 10, 64); err != nil || before <= 0 {
			return 0, 0, errors.New("before is not a positive number")
		}
	}

	limit, err = parseLimit(query)

	return before, limit, err
}
