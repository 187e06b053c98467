// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// historyLimit bounds the events among which the newest message of a person is looked for.
const historyLimit = 10

// conversation is the conversation that a request is about.
type conversation struct {
	name    string           // any name of it
	key     string           // by which the caller knows it
	item    whatsapp.Item    // a message of the person, or the result of outbound.Addressee
	message whatsapp.Message // of item
	asked   *store.Record    // the message of item if the caller gave its id, else nil
	isKnown bool             // whether the person or group has ever written
	state   store.Conversation
}

func (c *conversation) number() string { return string(c.item.Metadata.PhoneNumberID) }

// lastInboundAt returns when the person wrote or called last, or zero if that is unknown.
func (c *conversation) lastInboundAt() time.Time {
	last := c.state.LastInboundAt

	if c.asked != nil {
		asked := whatsapp.SentAt(c.message.Timestamp, c.asked.Event.ReceivedAt)
		if asked.After(last) {
			return asked
		}
	}

	return last
}

// windowUntil returns until when messages other than templates may be sent, and whether they may be now.
func (c *conversation) windowUntil(now time.Time) (until time.Time, isOpen bool) {
	last := c.lastInboundAt()
	if last.IsZero() {
		return time.Time{}, false
	}

	until = last.Add(whatsapp.ServiceWindow)

	if c.state.TemplateRequired && until.After(now) {
		return now, false
	}

	return until, now.Before(until)
}

// byEvent returns the conversation of the message with an id. If the payload of the message was purged, the id only names
// the conversation.
func (a *API) byEvent(ctx context.Context, settings *config.Snapshot, id store.ID) (*conversation, error) {
	record, err := a.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (record.Event.Kind != store.KindMessage || record.Event.Lane == "") {
		return nil, unknown("unknown_event", "no message has this event_id, or it was purged")
	}

	if err != nil {
		return nil, fmt.Errorf("look up a message: %w", err)
	}

	c := &conversation{name: record.Event.Lane}

	if len(record.Event.Payload) == 0 {
		if c.item, err = a.newestMessage(ctx, c.name); err != nil {
			return nil, err
		}

		return c, a.complete(ctx, settings, c)
	}

	if c.item, err = whatsapp.Decode(record.Event.Payload); err != nil {
		return nil, unknown("unknown_event", "the message cannot be read")
	}

	c.asked = record

	return c, a.complete(ctx, settings, c)
}

// conversationKey matches the keys of conversations.
var conversationKey = regexp.MustCompile(`^[^:[:cntrl:]]+:(group:)?[^:[:cntrl:]]+$`)

// maxConversationKey bounds the bytes of a key.
const maxConversationKey = 512

// byKey returns the conversation that a key names.
func (a *API) byKey(ctx context.Context, settings *config.Snapshot, key string) (*conversation, error) {
	if len(key) > maxConversationKey || !utf8.ValidString(key) || !conversationKey.MatchString(key) {
		return nil, badRequest("conversation_key: " + outbound.ErrConversationKey.Error())
	}

	item, err := a.newestMessage(ctx, key)
	if err != nil {
		return nil, err
	}

	c := &conversation{
		name: key,
		key:  key,
		item: item,
	}

	return c, a.complete(ctx, settings, c)
}

// newestMessage returns the newest message of a conversation. If none is stored, or the key of one is missing, the item only
// names the number and the recipient.
func (a *API) newestMessage(ctx context.Context, name string) (whatsapp.Item, error) {
	history, err := a.Store.History(ctx, name, 0, time.Time{}, historyLimit)
	if err != nil && !errors.Is(err, store.ErrKey) {
		return whatsapp.Item{}, err
	}

	for _, record := range history {
		if record.Event.Kind == store.KindOutbound {
			if m, err := outbound.Decode(record.Event.Payload); err == nil {
				return m.Item, nil
			}
		}

		if item, err := whatsapp.Decode(record.Event.Payload); err == nil && item.Kind == whatsapp.ItemMessage {
			return item, nil
		}
	}

	item, err := outbound.Addressee(name)
	if err != nil {
		return whatsapp.Item{}, badRequest("conversation_key: " + err.Error())
	}

	return item, nil
}

// complete checks that the number is served and that the conversation has a recipient, and adds its state.
func (a *API) complete(ctx context.Context, settings *config.Snapshot, c *conversation) error {
	served := settings.CloudAPI.PhoneNumberIDs
	if len(served) > 0 && !slices.Contains(served, c.number()) {
		return unknown("unknown_number", "the receiver does not serve the phone number of the conversation")
	}

	var err error
	if c.message, err = c.item.Message(); err != nil || cloudapi.RecipientOf(c.message) == (cloudapi.Recipient{}) || c.number() == "" {
		return unknown("unknown_event", "Meta does not say who wrote the message, so that it cannot be answered")
	}

	if c.key == "" {
		c.key = whatsapp.ConversationKey(c.number(), c.message.GroupID, c.message.Sender())
	}

	c.state, err = a.Store.Conversation(ctx, c.name)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}

	if err != nil {
		return fmt.Errorf("look up a conversation: %w", err)
	}

	c.isKnown = true

	return nil
}
