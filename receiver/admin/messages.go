// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// Message is a message of a conversation with its answer, or an outbound message. It holds personal data.
type Message struct {
	Seq    int64       `json:"seq"`
	ID     string      `json:"id"`
	At     time.Time   `json:"at"`
	From   string      `json:"from"` // person, assistant or desk
	Type   string      `json:"type,omitempty"`
	Text   string      `json:"text,omitempty"` // what the person wrote
	State  store.State `json:"state"`
	Answer []Part      `json:"answer"` // to the person
}

// Part is one WhatsApp message to the person.
type Part struct {
	At    *time.Time       `json:"at"` // of the last send; null before the first
	Type  string           `json:"type"`
	Text  string           `json:"text"`
	State store.ReplyState `json:"state"`
}

func newMessage(r store.Record) Message {
	m := Message{
		Seq:    r.Seq,
		ID:     r.Event.ID.String(),
		At:     r.Event.ReceivedAt.UTC(),
		From:   "person",
		State:  r.Event.State,
		Answer: []Part{},
	}

	if r.Event.Kind == store.KindOutbound {
		m.From = string(outbound.Assistant)
		if r.Event.Type == string(outbound.Desk) {
			m.From = string(outbound.Desk)
		}
	} else {
		m.Type = r.Event.Type
		m.Text = cmp.Or(r.Transcript, plainText(r.Event.Payload))
	}

	for _, reply := range r.Replies {
		m.Answer = append(m.Answer, Part{
			At:    optional(reply.StartedAt),
			Type:  reply.Type,
			Text:  cloudapi.PlainText(reply.Body),
			State: reply.State,
		})
	}

	return m
}

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

// messages answers with a page of the messages of a conversation, the newest first. next is the seq to continue before; the
// last page has none.
func (c Console) messages(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()

	if err := checkKeys(query, "before", "limit"); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	var before int64

	if text := query.Get("before"); text != "" {
		var err error
		if before, err = strconv.ParseInt(text, 10, 64); err != nil || before <= 0 {
			http.Error(w, "before is no positive number", http.StatusBadRequest)
			return
		}
	}

	limit, err := parseLimit(query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	found, err := c.Store.History(r.Context(), r.PathValue("name"), before, limit)
	if err != nil {
		c.fail(w, err, noSuchConversation)
		return
	}

	page := struct {
		Messages []Message `json:"messages"`
		Next     int64     `json:"next,omitempty"`
	}{Messages: []Message{}}
	for _, record := range found {
		page.Messages = append(page.Messages, newMessage(record))
	}

	if len(found) == limit {
		page.Next = found[len(found)-1].Seq
	}

	answer(w, http.StatusOK, page)
}
