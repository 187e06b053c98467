// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
)

// interpret gives an empty answer the meaning that the configuration gives it, and remembers the AI's id of the
// conversation.
func (e *Engine) interpret(a *attempt, method assistant.Method, given answer.Answer) (answer.Answer, error) {
	e.keepConversationID(a, given)

	if !given.Empty {
		return given, nil
	}

	e.Metrics.AIAnsweredNothing()

	switch a.settings.Bird.EmptyAnswer {
	case config.EmptyLater:
		// The person waits for no answer to a change.
		given.Later = method != assistant.ProcessEdit && method != assistant.ProcessRevoke
	case config.EmptyFail:
		return given, &failure.Error{
			Class: failure.Permanent,
			Op:    string(method),
			Code:  assistant.CodeBadResponse,
			Text:  "the answer is empty, which bird.emptyAnswer makes a failure",
		}
	}

	return given, nil
}

// keepConversationID remembers the AI's id of the conversation.
func (e *Engine) keepConversationID(a *attempt, given answer.Answer) {
	if given.BadConversationID {
		e.sampled.Warn("conversation_id of the AI ignored: it is no string or number of at most 256 bytes",
			logevent.EventID, a.work.Event.ID)
	}

	if id := given.ConversationID; id != nil && *id != a.work.Conversation.AIConversationID {
		a.pendingStep.AIConversationID = id
	}
}
