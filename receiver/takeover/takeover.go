// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package takeover changes the holder of a conversation at the request of a person, at the console or through the messages API.
// It announces the change and stores its reason.
package takeover

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// MinDuration is the shortest time for which a person can take a conversation over. A shorter takeover would be over before its
	// answer arrives.
	MinDuration = time.Second
	// MaxDuration bounds how long a person can take a conversation over at once.
	MaxDuration = 30 * 24 * time.Hour
	// MaxReason bounds the bytes of a reason.
	MaxReason = 256
)

// Store is the part of the store that the changes use.
type Store interface {
	store.Inbox
	store.Events
	store.Takeovers
}

// Changer changes who has a conversation. All fields are required.
type Changer struct {
	Store Store
	Live  *config.Live
	Wake  func(...store.Class) // called with the classes that have new work
	Clock clockwork.Clock
	Log   *slog.Logger
}

// Change is a new holder of a conversation.
type Change struct {
	By     store.Holder // Desk or Assistant
	Until  time.Time    // zero for Assistant
	Reason string       // at most MaxReason bytes; may be empty
}

// ParseDuration returns how long a takeover lasts from the text of a request.
func ParseDuration(text string) (time.Duration, error) {
	duration, err := time.ParseDuration(text)
	if err != nil || duration < MinDuration || duration > MaxDuration {
		return 0, errors.New("for is not a duration such as 30m or 2h, from 1s to 720h")
	}

	return duration, nil
}

// Apply gives a conversation, by any of its names, to a new holder from now on, and returns its state. The error is
// store.ErrNotFound if there is no such conversation.
func (c Changer) Apply(ctx context.Context, name string, change Change) (store.Conversation, error) {
	before, err := c.Store.Conversation(ctx, name)
	if err != nil {
		return store.Conversation{}, err
	}

	now := c.Clock.Now()
	takeover := change.Takeover(before.Takeover, now)

	if err := c.Store.TakeOver(ctx, name, takeover, now); err != nil {
		return store.Conversation{}, err
	}

	c.Log.Info("holder of a conversation changed", "by", takeover.By, "until", takeover.Until)

	events, err := c.Events(ctx, name, before.Takeover, takeover, change.Reason)
	if err == nil && len(events) > 0 {
		_, err = c.Store.Ingest(ctx, events)
	}

	if err != nil { // the change is stored all the same
		c.Log.Error("storing the notice of a conversation's new holder failed", "error", err)
	}

	c.Wake(store.Conversations, store.Notices)

	after, err := c.Store.Conversation(ctx, name)
	if err != nil {
		return store.Conversation{}, err
	}

	return after, nil
}

// Takeover returns the change in its stored form. Meta's clock may be ahead of ours, and a store ignores an older change.
func (c Change) Takeover(before store.Takeover, now time.Time) store.Takeover {
	at := before.At.Add(time.Millisecond)
	if at.Before(now) {
		at = now
	}

	after := store.Takeover{
		By:    c.By,
		Until: c.Until,
		At:    at,
	}

	if handoff, ok := before.Handoff(); ok && c.By == store.Desk && before.Active(now) {
		after.Event = handoff // the next change is announced by it
	}

	return after
}

// Events returns the events to store with a change: the notice that a conversation which the AI handed off has another
// holder, and the reason.
func (c Changer) Events(
	ctx context.Context,
	name string,
	before, after store.Takeover,
	reason string,
) ([]store.Event, error) {
	var events []store.Event

	handoff, isHandedOff := before.Handoff()
	isNew := before.Active(c.Clock.Now()) && before.By != after.By

	if isHandedOff && isNew && c.Live.Current().Notifications.SinkURL != "" {
		events = append(events, announcement(name, handoff, after))
	}

	if reason == "" {
		return events, nil
	}

	id, err := c.reasonID(ctx, name, after)
	if err != nil {
		return nil, err
	}

	kept := newNotice(notice.TakenOver, name, after.At, notice.Handoff{Reason: reason, Until: after.Until.UTC()}).Event("")
	kept.ID = id
	kept.State = store.Skipped // the reason is in the words of a person: no sink gets it

	return append(events, kept), nil
}

// announcement returns the notice that a conversation which the AI handed off has another holder. Its subject is the message of
// the handoff, as in the handoff's notice. Other changes have no subject, because it would name the person.
func announcement(name string, handoff store.ID, after store.Takeover) store.Event {
	kind := notice.TakenOver
	if after.By == store.Assistant {
		kind = notice.Returned
	}

	n := newNotice(kind, name, after.At, map[string]any{"by": HolderName(after.By)})
	n.Subject = handoff.String()

	return n.Event(notice.HandoffOccurrence(after.At))
}

func newNotice(kind, name string, at time.Time, data any) notice.Notice {
	encoded, _ := json.Marshal(data) // strings and times always encode

	return notice.Notice{
		Type:   kind,
		Source: notice.Number(numberOf(name)),
		Time:   at.UTC(),
		Data:   encoded,
	}
}

// Reason returns why people have a conversation, or "" if that is not known or was purged.
func (c Changer) Reason(ctx context.Context, name string, takeover store.Takeover) string {
	var (
		id  store.ID
		err error
	)

	switch takeover.By {
	case store.HandedOff:
		id = notice.HandoffID(numberOf(name), takeover)
	case store.Desk:
		id, err = c.reasonID(ctx, name, takeover)
	default:
		return ""
	}

	if err != nil {
		return ""
	}

	record, err := c.Store.Get(ctx, id)
	if err != nil {
		return ""
	}

	var stored struct {
		Data notice.Handoff `json:"data"`
	}
	if json.Unmarshal(record.Event.Payload, &stored) != nil {
		return ""
	}

	return stored.Data.Reason
}

// reasonID returns the id of the event that keeps the reason of a takeover by a person. It is the same for each name of the
// conversation.
func (c Changer) reasonID(ctx context.Context, name string, takeover store.Takeover) (store.ID, error) {
	lane, err := c.Store.Lane(ctx, name)
	if err != nil {
		return store.ID{}, fmt.Errorf("look up the names of a conversation: %w", err)
	}

	return notice.ReasonID(lane, takeover.At), nil
}

// HolderName returns the name of a holder for people and programs.
func HolderName(h store.Holder) string { return cmp.Or(string(h), "assistant") }

// numberOf returns the id of the phone number of a conversation, with which every name begins.
func numberOf(name string) string {
	number, _, _ := strings.Cut(name, ":")
	return number
}
