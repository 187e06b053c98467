// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// shownMessage is a message of a conversation as a page shows it.
type shownMessage struct {
	consoleapi.Message

	Versions []version // the text as sent, and after each edit; at least one
	Edit     string    // id of the latest edit; empty if there is none
	Deletion string    // id of the event by which the person deleted the message; empty if it was not deleted
	IsFolded bool      // it changes another message of the page, which shows it; only its answer is shown in its place
}

// version is a text of a message.
type version struct {
	At   time.Time
	Text string
}

// Current returns the text after all edits.
func (m shownMessage) Current() string { return m.Versions[len(m.Versions)-1].Text }

// Earlier returns the versions that the person replaced or deleted.
func (m shownMessage) Earlier() []version {
	if m.Deletion != "" {
		return m.Versions
	}

	return m.Versions[:len(m.Versions)-1]
}

// withChanges returns the messages of a page, the oldest first, each with its edits and its deletion. A change of a message
// that is not on the page stays a separate message.
func withChanges(newestFirst []consoleapi.Message) []shownMessage {
	shown := make([]shownMessage, 0, len(newestFirst))
	places := map[string]int{}

	for _, message := range slices.Backward(newestFirst) {
		places[message.ID] = len(shown)
		shown = append(shown, shownMessage{
			Message:  message,
			Versions: []version{{At: message.At, Text: message.Text}},
		})
	}

	for i := range shown {
		place, ok := places[shown[i].Changes]
		if !ok || shown[i].Changes == "" {
			continue
		}

		shown[i].IsFolded = true
		shown[place].change(shown[i].Message)
	}

	return shown
}

// change adds an edit or a deletion.
func (m *shownMessage) change(by consoleapi.Message) {
	if by.Type == "revoke" {
		m.Deletion = by.ID

		return
	}

	m.Edit = by.ID
	m.Versions = append(m.Versions, version{At: by.At, Text: by.Text})
}
