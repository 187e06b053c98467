// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/engine"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/takeover"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
)

// post is a request to send a message, as it is stored, with the changes in the same transaction.
type post struct {
	id           store.ID
	conversation *conversation
	question     *store.Record // that the message answers, or nil
	isFinal      bool          // whether it is the last answer to the question
	answer       answer.Answer
	body         []byte
	digest       string
	role         outbound.Role
	verbatim     bool             // whether its texts are sent as they are
	change       *takeover.Change // of the holder of the conversation, nil if it stays
}

// store stores a post, unless it is stored already, and reports which. It returns once the events are durable.
func (a *API) store(ctx context.Context, req *request, p *post) (isRepeated bool, err error) {
	if isRepeated, err = a.isStored(ctx, p); isRepeated || err != nil {
		return isRepeated, err
	}

	if err := a.check(ctx, req, p); err != nil {
		return false, err
	}

	events, err := a.events(ctx, p)
	if err != nil {
		return false, err
	}

	fresh, err := a.Store.Ingest(ctx, events)
	if err != nil {
		return false, fmt.Errorf("store a message: %w", err)
	}

	if !fresh[0] { // the same request, or another with its key, is processed concurrently
		_, err := a.isStored(ctx, p)
		return true, err
	}

	for i, event := range events {
		if fresh[i] {
			a.Metrics.EventStored(string(event.Kind), string(event.State))
		}
	}

	a.Log.Info("outbound message stored", logevent.EventID, p.id, "role", p.role)
	a.Wake(store.Conversations, store.Notices)

	return false, nil
}

// isStored reports whether a post is stored. It is an error if another one with its idempotency key is. If the payload of
// that was purged, it counts as the same.
func (a *API) isStored(ctx context.Context, p *post) (bool, error) {
	record, err := a.Store.Get(ctx, p.id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}

	if err != nil {
		return false, fmt.Errorf("look up a message: %w", err)
	}

	if len(record.Event.Payload) == 0 {
		return true, nil
	}

	stored, err := outbound.Decode(record.Event.Payload)
	if err != nil {
		return false, err
	}

	if stored.Digest != p.digest {
		return false, &problem{
			status:  http.StatusConflict,
			code:    "idempotency_key_reused",
			message: "another request was sent with this Idempotency-Key: give this one a key of its own",
		}
	}

	return true, nil
}

// digest returns the hash of a request, by which a repetition is recognized.
func digest(req *request) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", req.Method, req.URL.EscapedPath())
	h.Write(req.body)

	return hex.EncodeToString(h.Sum(nil))
}

// check returns the problem with which a post cannot be sent.
func (a *API) check(ctx context.Context, req *request, p *post) error {
	now := a.Clock.Now()
	c := p.conversation

	if current := c.state.Takeover; p.role == outbound.Assistant && current.Active(now) {
		return &problem{
			status:  http.StatusConflict,
			code:    "handed_off",
			message: "people have the conversation",
			details: map[string]any{"until": current.Until.UTC()},
		}
	}

	if !c.isKnown && c.message.GroupID != "" {
		return unknown("unknown_conversation", "the group has never written")
	}

	target := c.message
	if p.question == nil {
		target.ID = "" // the newest message is not answered
	}

	types, err := engine.CheckAnswer(req.settings, target, p.answer)
	if err != nil {
		return badContent(failure.Of(err).Text)
	}

	if len(types) == 0 && p.question == nil && p.answer.Handoff == nil && p.change == nil {
		return badContent("nothing would be sent: give a text, a message or a list of them")
	}

	isFree := slices.ContainsFunc(types, func(t string) bool { return !engine.IsTemplate(t) })
	if until, isOpen := c.windowUntil(now); isFree && !isOpen {
		return windowClosed(until)
	}

	return a.backlog.check(ctx, a.Store, c.name, now)
}

func windowClosed(at time.Time) error {
	var closedAt *time.Time
	if !at.IsZero() {
		closedAt = new(at.UTC())
	}

	return &problem{
		status:  http.StatusUnprocessableEntity,
		code:    "window_closed",
		message: "the person has not written for 24 hours: send a template",
		details: map[string]any{"closed_at": closedAt},
	}
}

// events returns the events of a post. The first is the message. What changes together with it is stored in the same
// transaction.
func (a *API) events(ctx context.Context, p *post) ([]store.Event, error) {
	now := a.Clock.Now().UTC()
	c := p.conversation

	m := outbound.Message{
		Role:     p.role,
		Item:     c.item,
		Body:     p.body,
		Digest:   p.digest,
		Verbatim: p.verbatim,
	}
	if m.Item.Trace == "" || p.question == nil {
		m.Item.Trace = tracing.Parent(ctx)
	}

	if p.question != nil {
		m.Question = p.question.Event.ID.String()
		m.Replays = p.question.Replays
		m.AskedAt = p.question.Event.ReceivedAt
		m.Final = p.isFinal
	}

	event, err := m.Event(p.id, c.name, now)
	if err != nil {
		return nil, err
	}

	events := []store.Event{event}

	if p.isFinal {
		events = append(events, outbound.Answered(p.question.Event.ID, p.question.Replays, c.number(), now))
	}

	if p.change == nil {
		return events, nil
	}

	after := p.change.Takeover(c.state.Takeover, now)
	events[0].Takeover = &after

	announced, err := a.takeovers.Events(ctx, c.name, c.state.Takeover, after, p.change.Reason)

	return append(events, announced...), err
}
