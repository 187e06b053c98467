// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"sync"
	"time"
)

const (
	// windowLength is how long a business may send free-form messages after a message or call of the person.
	windowLength = 24 * time.Hour
	// maxObserved bounds the names of people and the ids of messages that a Graph remembers, each.
	maxObserved = 10_000
)

// conversations are what Meta knows of people and their messages. Observe fills them.
type conversations struct {
	mu       sync.Mutex
	byName   bounded[*conversation] // each conversation under every name of the person
	messages bounded[struct{}]      // by id
}

// conversation is that of a person with a phone number of the business.
type conversation struct {
	// opened is the time of the person's latest message or call.
	opened time.Time
	// elsewhere reports that another responder of the business owns the thread.
	elsewhere bool
}

// bounded is a map that forgets its oldest keys.
type bounded[T any] struct {
	entries map[string]T
	order   []string
}

func (b *bounded[T]) put(key string, value T) {
	if b.entries == nil {
		b.entries = map[string]T{}
	}

	if _, known := b.entries[key]; !known {
		b.order = append(b.order, key)
	}

	b.entries[key] = value
	if len(b.order) > maxObserved {
		delete(b.entries, b.order[0])
		b.order = b.order[1:]
	}
}

// ofLocked returns the conversation of a person, who may have several names, and gives it all of them.
func (c *conversations) ofLocked(number string, names ...string) *conversation {
	var found *conversation

	for _, name := range names {
		if known, ok := c.byName.entries[number+"|"+name]; ok && name != "" {
			found = known
			break
		}
	}

	if found == nil {
		found = &conversation{}
	}

	for _, name := range names {
		if name != "" {
			c.byName.put(number+"|"+name, found)
		}
	}

	return found
}

// admit applies the rules about rates, threads and windows to a message. A message within no window is accepted, and fails
// later with the returned code.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/conversation-routing/overview and
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
func (g *Graph) admit(number string, request messageRequest) (failure int, refusal *problem) {
	rules := g.Rules()

	g.conversations.mu.Lock()
	defer g.conversations.mu.Unlock()

	if refusal := g.rates.take(rules, number, request.To+request.Recipient, g.options.Clock.Now()); refusal != nil {
		return 0, refusal
	}

	if request.Type == "template" {
		return 0, nil
	}

	if id := contextID(request); rules.KnownContext && id != "" {
		if _, known := g.conversations.messages.entries[id]; !known {
			return 0, refused(131009, "The message_id of the context is not that of a message in this conversation")
		}
	}

	name := digitsOnly(request.To)
	if request.RecipientType == "group" {
		name = request.To
	}

	person := g.conversations.ofLocked(number, name, request.Recipient)
	if person.elsewhere && !rules.EscalationPartner {
		return 0, notOwner()
	}

	if rules.Window && !g.options.Clock.Now().Before(person.opened.Add(windowLength)) {
		return 131047, nil
	}

	person.elsewhere = false // the message takes the thread

	return 0, nil
}

func contextID(request messageRequest) string {
	if request.Context == nil {
		return ""
	}

	return request.Context.MessageID
}

// remember stores the id of a sent message, so that another one may quote it.
func (g *Graph) remember(id string) {
	g.conversations.mu.Lock()
	defer g.conversations.mu.Unlock()

	g.conversations.messages.put(id, struct{}{})
}
