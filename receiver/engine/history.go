// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/markdown"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const (
	// eventsPerTurn is how many events a turn may have on average: texts that were answered together, their edits, and
	// messages that were posted to the messages API.
	eventsPerTurn = 3
	maxRemembered = 400
)

// history returns the last turns before the message, for a protocol whose server remembers nothing.
func (e *Engine) history(ctx context.Context, a *attempt) ([]assistant.HistoryMessage, error) {
	if a.settings.Protocol() != config.ProtocolOpenAI || *a.settings.OpenAI.Memory.Turns == 0 {
		return nil, nil
	}

	limits := a.settings.OpenAI.Memory
	since := e.Clock.Now().Add(-limits.Duration)

	records, err := e.Store.History(ctx, a.lease.Lane, a.work.Seq, since, min(eventsPerTurn**limits.Turns, maxRemembered))
	if err != nil {
		return nil, ofStore(fmt.Errorf("read the last turns of the conversation: %w", err))
	}

	var m memory
	for _, record := range slices.Backward(records) {
		m.add(record, a.work.Conversation.Takeover)
	}

	if a.settings.Processing.Format == config.FormatMarkdown {
		m.toMarkdown()
	}

	return m.newest(*limits.Turns, limits.Characters), nil
}

// memory are the turns of a conversation, the oldest first.
type memory struct {
	turns []exchange
	// isHuman reports whether people had the conversation at the last event.
	isHuman bool
}

// exchange is a message of the person with its answers. Texts that were answered together are one. A message that was
// sent unasked belongs to the turn before it.
type exchange struct {
	words   []personMessage
	answers []assistant.HistoryMessage
	at      time.Time
	sentAt  time.Time // when the first answer was sent; zero if there is none
}

// personMessage is a message of the person.
type personMessage struct {
	message whatsapp.Message
	text    string
	speaker string // the name in the person's profile, in a group
}

// add adds an event. Messages that the AI was not asked about are left out, except for messages that the person wrote
// while people had the conversation.
func (m *memory) add(record store.Record, takeover store.Takeover) {
	message, isMessage := messageOf(record.Event)

	if original, ok := message.Revoke(); isMessage && ok {
		m.removeMessage(original)
		return
	}

	answers := answersOf(record)

	if edit, ok := message.Edit(); isMessage && ok && len(answers) == 0 {
		m.applyEdit(edit)
		return
	}

	isHuman := record.Event.State == store.Human
	if isMessage && (isHuman || record.Event.State == store.Done || len(answers) > 0) {
		m.setHuman(isHuman)
		m.addMessage(record, message)
	}

	last := len(m.turns) - 1
	if len(answers) > 0 && last < 0 {
		m.turns = append(m.turns, exchange{at: record.Event.ReceivedAt})
		last = 0
	}

	if len(answers) > 0 {
		turn := &m.turns[last]
		turn.answers = append(turn.answers, answers...)

		if turn.sentAt.IsZero() {
			turn.sentAt = answers[0].At
		}
	}

	if takeover.By == store.HandedOff && takeover.Event == record.Event.ID {
		m.setHuman(true)
	}
}

// setHuman records whether people have the conversation. When they get it, the memory has a turn of a special kind.
func (m *memory) setHuman(isHuman bool) {
	if last := len(m.turns) - 1; isHuman && !m.isHuman && last >= 0 {
		turn := &m.turns[last]
		turn.answers = append(turn.answers, assistant.HistoryMessage{Role: assistant.FromHandoff, At: turn.at})
	}

	m.isHuman = isHuman
}

// addMessage adds a message of the person. A message that arrived before the answer of the turn was sent, and that has no
// answer of its own, belongs to that turn.
func (m *memory) addMessage(record store.Record, message whatsapp.Message) {
	at := record.Event.ReceivedAt
	words := personMessage{message: message, text: cmp.Or(record.Transcript, message.PlainText())}

	if edit, ok := message.Edit(); ok {
		words.text = "[changed an earlier message to] " + edit.Message.PlainText()
	}

	if message.GroupID != "" {
		words.speaker = string(message.Contact.Name)
	}

	last := len(m.turns) - 1
	if last >= 0 && len(record.Replies) == 0 && at.Before(m.turns[last].sentAt) {
		m.turns[last].words = append(m.turns[last].words, words)
		return
	}

	m.turns = append(m.turns, exchange{words: []personMessage{words}, at: at})
}

// removeMessage removes the words that the person has deleted.
func (m *memory) removeMessage(original whatsapp.Text) {
	for i := range m.turns {
		turn := &m.turns[i]
		turn.words = slices.DeleteFunc(turn.words, func(w personMessage) bool { return w.message.ID == original })
	}
}

// applyEdit replaces the words that the person has changed before they were answered.
func (m *memory) applyEdit(edit whatsapp.Edit) {
	for i := range m.turns {
		for j := range m.turns[i].words {
			words := &m.turns[i].words[j]

			edited, fits := words.message.Edited(edit)
			if words.message.ID == edit.OriginalID && fits {
				words.message = edited
				words.text = edited.PlainText()
			}
		}
	}
}

// answersOf returns the sent parts of the answer to a message, or of an outbound message.
func answersOf(record store.Record) []assistant.HistoryMessage {
	role := assistant.FromAI
	if isByDesk(record.Event) {
		role = assistant.FromDesk
	}

	var answers []assistant.HistoryMessage

	for _, reply := range record.Replies {
		if text := cloudapi.PlainText(reply.Body); reply.State == store.Sent && text != "" {
			answers = append(answers, assistant.HistoryMessage{
				Role: role,
				Text: text,
				At:   reply.StartedAt,
			})
		}
	}

	return answers
}

// toMarkdown gives the answers the marks of Markdown that they were written with. An AI writes as it has written before, and
// WhatsApp's bold is Markdown's italic.
func (m *memory) toMarkdown() {
	for i := range m.turns {
		for j := range m.turns[i].answers {
			given := &m.turns[i].answers[j]
			given.Text = markdown.FromWhatsApp(given.Text)
		}
	}
}

// newest returns the last turns, as many as the limits allow.
func (m *memory) newest(turns, characters int) []assistant.HistoryMessage {
	var newest []assistant.HistoryMessage

	for i := range min(turns, len(m.turns)) {
		turn := m.turns[len(m.turns)-1-i].flat()

		for _, part := range turn {
			characters -= utf8.RuneCountInString(part.Text)
		}

		if characters < 0 {
			break
		}

		newest = append(turn, newest...)
	}

	return newest
}

func (e exchange) flat() []assistant.HistoryMessage {
	turns := make([]assistant.HistoryMessage, 0, len(e.words)+len(e.answers))
	for _, words := range e.words {
		turns = append(turns, assistant.HistoryMessage{
			Role:    assistant.FromPerson,
			Text:    words.text,
			Speaker: words.speaker,
			At:      e.at,
		})
	}

	return append(turns, e.answers...)
}
