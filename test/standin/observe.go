// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// observedValue are the parts of a webhook's value by which Meta knows a conversation. An unexpected shape names none.
type observedValue struct {
	Metadata metadata  `json:"metadata"`
	Contacts []contact `json:"contacts"`
	Messages []struct {
		ID         string `json:"id"`
		From       string `json:"from"`
		FromUserID string `json:"from_user_id"`
		GroupID    string `json:"group_id"`
		Timestamp  string `json:"timestamp"`
	} `json:"messages"`
	Calls []struct {
		From       string `json:"from"`
		FromUserID string `json:"from_user_id"`
		Direction  string `json:"direction"`
		Timestamp  string `json:"timestamp"`
	} `json:"calls"`
	Standby   *observedValue `json:"standby"`
	Type      string         `json:"type"`
	Sender    person         `json:"sender"`
	Recipient struct {
		PhoneNumberID string `json:"phone_number_id"`
	} `json:"recipient"`
}

type person struct {
	PhoneNumber string `json:"phone_number"`
	UserID      string `json:"user_id"`
}

// Observe lets the Graph know what a delivery says: Meta knows who wrote or called and when, and which responder owns the
// thread. The rules Window and KnownContext need it. A body that is not a delivery changes nothing.
func (g *Graph) Observe(body []byte) {
	var delivery struct {
		Entry []struct {
			Changes []struct {
				Field string          `json:"field"`
				Value json.RawMessage `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
	}
	if json.Unmarshal(body, &delivery) != nil {
		return
	}

	g.conversations.mu.Lock()
	defer g.conversations.mu.Unlock()

	for _, entry := range delivery.Entry {
		for _, change := range entry.Changes {
			var value observedValue
			if json.Unmarshal(change.Value, &value) != nil {
				continue
			}

			switch change.Field {
			case "messages", "calls":
				g.conversations.observeLocked(value.Metadata.PhoneNumberID, value, false)
			case "standby":
				if value.Standby != nil {
					g.conversations.observeLocked(value.Metadata.PhoneNumberID, *value.Standby, true)
				}
			case "messaging_handovers":
				name := strings.TrimPrefix(value.Sender.PhoneNumber, "+")
				person := g.conversations.ofLocked(value.Recipient.PhoneNumberID, name, value.Sender.UserID)
				person.elsewhere = value.Type == controlTaken
			}
		}
	}
}

// observeLocked takes in the messages and calls of people. Those that come to the app's own field show that it owns the
// thread.
func (c *conversations) observeLocked(number string, value observedValue, standby bool) {
	open := func(timestamp string, names ...string) {
		person := c.ofLocked(number, names...)
		person.elsewhere = standby

		if seconds, err := strconv.ParseInt(timestamp, 10, 64); err == nil {
			if at := time.Unix(seconds, 0); at.After(person.opened) {
				person.opened = at
			}
		}
	}

	for _, m := range value.Messages {
		c.messages.put(m.ID, struct{}{})

		switch {
		case m.GroupID != "":
			open(m.Timestamp, m.GroupID)
		case len(value.Contacts) == 1:
			open(m.Timestamp, m.From, m.FromUserID, value.Contacts[0].WaID, value.Contacts[0].UserID)
		default:
			open(m.Timestamp, m.From, m.FromUserID)
		}
	}

	for _, call := range value.Calls {
		if call.Direction == "USER_INITIATED" {
			open(call.Timestamp, call.From, call.FromUserID)
		}
	}
}

// The types of handovers: another responder has taken the thread, or the owner passed it to this app.
const (
	controlTaken  = "control_taken"
	controlPassed = "control_passed"
)

// HandoverDelivery returns the delivery of a change of who owns the thread of a person, who is named by a wa_id or a
// business-scoped user id. With taken the app has lost the thread, else it got it.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messaging-handovers
func HandoverDelivery(phoneNumberID, name string, taken bool, at time.Time) []byte {
	kind := controlPassed
	change := map[string]string{"previous_owner_role": "ai_agent", "new_owner_role": "primary"}

	if taken {
		kind = controlTaken
		change = map[string]string{"previous_owner_role": "primary", "new_owner_role": "escalation"}
	}

	sender := map[string]string{"phone_number": name}
	if businessScopedID.MatchString(name) {
		sender = map[string]string{"user_id": name}
	}

	return sealField("messaging_handovers", map[string]any{
		"messaging_product": "whatsapp",
		"sender":            sender,
		"recipient": map[string]string{
			"phone_number_id":      phoneNumberID,
			"display_phone_number": DeliveryDisplayPhoneNumber,
		},
		"type":      kind,
		"timestamp": unixSeconds(at),
		kind:        change,
	})
}
