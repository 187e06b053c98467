// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

// ReactionContent puts an emoji on a message of the person. The message may be at most 30 days old.
type ReactionContent struct {
	MessageID string
	Emoji     string // empty removes an earlier reaction
}

type reactionObject struct {
	MessageID string `json:"message_id"`
	Emoji     string `json:"emoji"`
}

func (c ReactionContent) put(message *outbound) (int, error) {
	if c.MessageID == "" {
		return 0, invalidMessage("the reaction needs the id of the message that it is put on")
	}

	message.Type = "reaction"
	message.Reaction = &reactionObject{MessageID: c.MessageID, Emoji: c.Emoji}
	message.Context = nil // Meta refuses reactions that answer a message

	return 0, nil
}
