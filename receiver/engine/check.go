// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// EncodeAnswer returns the WhatsApp messages for an answer to a message, or the *failure.Error that says why it cannot be
// sent. A message without an id is not quoted, and takes no reactions.
func EncodeAnswer(settings *config.Snapshot, message whatsapp.Message, given answer.Answer) ([]cloudapi.Encoded, error) {
	a := &attempt{message: message}
	a.settings = settings
	a.work = &store.Work{}

	replies := given.Replies
	if given.Handoff != nil && given.Handoff.Text != "" {
		replies = append(replies, answer.Reply{Kind: answer.KindText, Text: given.Handoff.Text})
	}

	contents := a.allContents(a.formatted(replies))
	contents = contents[:min(len(contents), settings.Processing.MaxMessagesPerAnswer)]

	messages := make([]cloudapi.Encoded, 0, len(contents))
	for _, content := range contents {
		encoded, err := cloudapi.Encode(cloudapi.Reply{To: cloudapi.RecipientOf(message)}, content)
		if err != nil {
			return nil, err
		}

		messages = append(messages, encoded)
	}

	return messages, nil
}

// CheckAnswer returns the types of the messages of [EncodeAnswer].
func CheckAnswer(settings *config.Snapshot, message whatsapp.Message, given answer.Answer) ([]string, error) {
	messages, err := EncodeAnswer(settings, message, given)
	if err != nil {
		return nil, err
	}

	types := make([]string, len(messages))
	for i, encoded := range messages {
		types[i] = encoded.Type
	}

	return types, nil
}

// IsTemplate reports whether a type of WhatsApp messages may be sent outside the 24-hour window.
func IsTemplate(messageType string) bool { return messageType == typeTemplate }
