// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"errors"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxIdempotencyKey is the maximum length of an Idempotency-Key in bytes.
const maxIdempotencyKey = 255

// The handlers of a conversation.
const (
	handlerAI    = "ai"
	handlerHuman = "human"
)

// message is the body of a request to send messages.
type message struct {
	inReplyTo       *store.ID
	conversationKey string
	answer          answer.Answer
	isFinal         bool
	handler         string // handlerAI, handlerHuman or empty
}

// messageKeys are the keys of the body.
var messageKeys = []string{
	"in_reply_to",
	"conversation_key",
	"response",
	"quick_replies",
	"handoff",
	"final",
	"conversation_id",
	"handler",
}

// parseMessage decodes a body. Its errors are of type *problem, and never repeat the content.
func parseMessage(body []byte) (message, error) {
	m := message{isFinal: true}

	values, err := object(body, messageKeys, []string{"response"})
	if err != nil {
		return message{}, err
	}

	var (
		inReplyTo      string
		conversationID answer.ID
	)

	err = errors.Join(
		field(values, "in_reply_to", "a string", &inReplyTo),
		field(values, "conversation_key", "a string", &m.conversationKey),
		field(values, "final", "true or false", &m.isFinal),
		field(values, "conversation_id", "a string or a number", &conversationID),
		field(values, "handler", "a string", &m.handler),
	)
	if err != nil {
		return message{}, err
	}

	_, hasInReplyTo := values["in_reply_to"]
	_, hasKey := values["conversation_key"]
	_, hasResponse := values["response"]
	_, hasHandoff := values["handoff"]
	_, hasFinal := values["final"]

	switch {
	case !hasInReplyTo && !hasKey:
		return message{}, badRequest("the body does not say to whom: give in_reply_to or conversation_key")
	case !hasResponse && !hasHandoff:
		return message{}, badRequest("the body does not say what: give response, handoff or both")
	case hasFinal && !hasInReplyTo:
		return message{}, badRequest("final is about the answer to a question: give it with in_reply_to only")
	case len(conversationID) > store.MaxAIConversationID:
		return message{}, badRequest(fmt.Sprintf("conversation_id has more than %d bytes", store.MaxAIConversationID))
	case m.handler != "" && m.handler != handlerAI && m.handler != handlerHuman:
		return message{}, badRequest("handler is not ai or human")
	}

	if hasInReplyTo {
		id, err := store.ParseID(inReplyTo)
		if err != nil {
			return message{}, badRequest("in_reply_to is not the event_id of a message: give its 32 hexadecimal digits")
		}

		m.inReplyTo = &id
	}

	if m.answer, err = answer.Parse(body); err != nil {
		return message{}, badContent(err.Error())
	}

	return m, nil
}

// idempotencyKey returns the key by which a repetition of a request is recognized. The id of a signed request takes its
// place, since the signature does not cover a header of another name. It is empty if there is none.
func (req *request) idempotencyKey() (string, error) {
	key := req.caller.requestID
	if key == "" {
		key = req.Header.Get("Idempotency-Key")
	}

	if len(key) > maxIdempotencyKey {
		return "", badRequest(fmt.Sprintf("the Idempotency-Key has more than %d characters", maxIdempotencyKey))
	}

	return key, nil
}

var errNoIdempotencyKey = badRequest(
	"the header Idempotency-Key is missing: give each message a key of its own, and a repetition the same")
