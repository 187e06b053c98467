// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// plan returns the parts to send for the AI's replies, or for a fallback that replaces them. Only the first quotes the message
// that it answers.
func (e *Engine) plan(a *attempt, given []answer.Reply, isFallback bool) ([]store.Reply, error) {
	contents := e.limit(a, a.allContents(given))

	replies := make([]store.Reply, 0, len(contents))
	for part, content := range contents {
		reply := store.Reply{
			Part:     part,
			State:    store.Planned,
			Fallback: isFallback,
		}

		target := cloudapi.Reply{
			To:       cloudapi.RecipientOf(a.message),
			Callback: a.callback(&reply),
		}
		if part == 0 {
			target.ContextID = a.answered()
		}

		encoded, err := cloudapi.Encode(target, content)
		if err != nil {
			return nil, err
		}

		e.Metrics.TitlesCut(encoded.Cut)

		reply.Type = encoded.Type
		reply.Body = encoded.Body
		replies = append(replies, reply)
	}

	return replies, nil
}

// callback returns the data that Meta returns with each status of the next send of a part.
func (a *attempt) callback(reply *store.Reply) string {
	event := a.work.Event.ID.String()
	if reply.Fallback {
		return whatsapp.FallbackCallback(event, reply.Part, reply.Resends)
	}

	return whatsapp.Callback(event, reply.Part, reply.Resends)
}

// allContents returns the WhatsApp messages for an answer.
func (a *attempt) allContents(given []answer.Reply) []cloudapi.Content {
	if a.message.GroupID != "" {
		given = forGroup(given)
	}

	var contents []cloudapi.Content
	for _, reply := range given {
		contents = append(contents, a.contents(reply)...)
	}

	return joinTexts(contents)
}

// contents returns the WhatsApp messages for one reply of the AI.
func (a *attempt) contents(reply answer.Reply) []cloudapi.Content {
	switch reply.Kind {
	case answer.KindMedia:
		return captioned(mediaContent(*reply.Media))
	case answer.KindTemplate:
		return []cloudapi.Content{cloudapi.TemplateContent(*reply.Template)}
	case answer.KindLocation:
		return []cloudapi.Content{cloudapi.LocationContent(*reply.Location)}
	case answer.KindReaction:
		if a.answered() == "" {
			return nil // nothing to react to
		}

		return []cloudapi.Content{cloudapi.ReactionContent{MessageID: a.answered(), Emoji: reply.Emoji}}
	case answer.KindContacts:
		return []cloudapi.Content{cloudapi.ContactsContent{Contacts: reply.Contacts}}
	case answer.KindText:
		return texts(reply.Text, reply.PreviewURL)
	default:
		return interactive(reply)
	}
}
