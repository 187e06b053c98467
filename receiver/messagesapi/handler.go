// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/takeover"
)

// handlerState says who has a conversation.
type handlerState struct {
	ConversationKey string     `json:"conversation_key"`
	Handler         string     `json:"handler"`
	By              string     `json:"by"`
	Since           *time.Time `json:"since"`
	Until           *time.Time `json:"until"`
	Reason          *string    `json:"reason"`
	WindowUntil     *time.Time `json:"window_until"`
}

// named returns the conversation in the path of a request: by its key, or by the event_id of a message.
func (a *API) named(ctx context.Context, req *request) (*conversation, error) {
	name, err := url.PathUnescape(strings.Split(req.URL.EscapedPath(), "/")[3])
	if err != nil {
		return nil, badRequest("the conversation in the path cannot be read")
	}

	var c *conversation
	if id, notID := store.ParseID(name); notID == nil {
		c, err = a.byEvent(ctx, req.settings, id)
	} else {
		c, err = a.byKey(ctx, req.settings, name)
	}

	if err != nil {
		return nil, err
	}

	if !c.isKnown {
		return nil, unknown("unknown_conversation", "the person or group has never written")
	}

	return c, nil
}

// getHandler answers with who has a conversation.
func (a *API) getHandler(ctx context.Context, req *request) (*response, error) {
	c, err := a.named(ctx, req)
	if err != nil {
		return nil, err
	}

	return &response{status: http.StatusOK, body: a.handlerOf(ctx, c)}, nil
}

func (a *API) handlerOf(ctx context.Context, c *conversation) handlerState {
	now := a.Clock.Now()
	current := c.state.Takeover
	state := handlerState{
		ConversationKey: c.key,
		Handler:         handlerAI,
		By:              takeover.HolderName(store.Assistant),
		Since:           optional(current.At),
	}

	if until, isOpen := c.windowUntil(now); isOpen {
		state.WindowUntil = optional(until)
	}

	if !current.Active(now) {
		return state
	}

	state.Handler = handlerHuman
	state.By = takeover.HolderName(current.By)
	state.Until = optional(current.Until)

	if reason := a.takeovers.Reason(ctx, c.name, current); reason != "" {
		state.Reason = &reason
	}

	return state
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}

	return new(t.UTC())
}

// setHandler gives a conversation to people, or back to the AI, with a text to the person.
func (a *API) setHandler(ctx context.Context, req *request) (*response, error) {
	if req.caller.role != outbound.Desk {
		return nil, deskOnly("only the key of a desk may change who has a conversation: an assistant hands off with handoff")
	}

	change, text, err := parseHandler(req, a.Clock.Now())
	if err != nil {
		return nil, err
	}

	c, err := a.named(ctx, req)
	if err != nil {
		return nil, err
	}

	result := &response{status: http.StatusOK}

	switch {
	case text != "":
		isRepeated, err := a.sendText(ctx, req, c, change, text)
		if err != nil {
			return nil, err
		}

		if isRepeated {
			result.header = http.Header{"Idempotency-Replayed": {"true"}}
		}

		if c.state, err = a.Store.Conversation(ctx, c.name); err != nil {
			return nil, fmt.Errorf("look up a conversation: %w", err)
		}
	case change.By != store.Assistant || c.state.Takeover.Active(a.Clock.Now()):
		c.state, err = a.takeovers.Apply(ctx, c.name, change)
		if errors.Is(err, store.ErrNotFound) {
			return nil, unknown("unknown_conversation", "the conversation was purged")
		}

		if err != nil {
			return nil, fmt.Errorf("change who has a conversation: %w", err)
		}
	}

	result.body = a.handlerOf(ctx, c)

	return result, nil
}

// handlerKeys are the keys of the body of a request to change who has a conversation.
var handlerKeys = []string{
	"handler",
	"for",
	"reason",
	"text",
}

// parseHandler decodes the body of a request to change who has a conversation.
func parseHandler(req *request, now time.Time) (change takeover.Change, text string, err error) {
	values, err := object(req.body, handlerKeys, nil)
	if err != nil {
		return takeover.Change{}, "", err
	}

	var handler, duration, reason string

	err = errors.Join(
		field(values, "handler", "a string", &handler),
		field(values, "for", "a string", &duration),
		field(values, "reason", "a string", &reason),
		field(values, "text", "a string", &text),
	)
	if err != nil {
		return takeover.Change{}, "", err
	}

	_, hasText := values["text"]

	switch {
	case handler != handlerAI && handler != handlerHuman:
		return takeover.Change{}, "", badRequest("handler is not ai or human")
	case handler == handlerHuman && hasText:
		return takeover.Change{}, "", badRequest("text goes with handler ai only: send it as a message")
	case handler == handlerAI && (duration != "" || reason != ""):
		return takeover.Change{}, "", badRequest("for and reason go with handler human only")
	case hasText && strings.TrimSpace(text) == "":
		return takeover.Change{}, "", badRequest("text is empty")
	case len(reason) > takeover.MaxReason:
		return takeover.Change{}, "", badRequest(fmt.Sprintf("reason has more than %d bytes", takeover.MaxReason))
	}

	change = *handlerChange(req, handler, now)
	change.Reason = reason

	if duration != "" {
		length, err := takeover.ParseDuration(duration)
		if err != nil {
			return takeover.Change{}, "", badRequest(err.Error())
		}

		change.Until = now.Add(length)
	}

	return change, text, nil
}

// handlerChange returns the change that gives a conversation to a handler, to people for processing.handoffDuration.
func handlerChange(req *request, handler string, now time.Time) *takeover.Change {
	if handler == handlerAI {
		return &takeover.Change{By: store.Assistant}
	}

	return &takeover.Change{By: store.Desk, Until: now.Add(req.settings.Processing.HandoffDuration)}
}

// sendText stores a text to the person together with the change. The text goes out first, since the AI answers what the
// person writes afterwards.
func (a *API) sendText(
	ctx context.Context,
	req *request,
	c *conversation,
	change takeover.Change,
	text string,
) (isRepeated bool, err error) {
	key, err := req.idempotencyKey()
	if err != nil {
		return false, err
	}

	if key == "" {
		return false, errNoIdempotencyKey
	}

	body, err := json.Marshal(map[string]string{"response": text})
	if err != nil {
		return false, fmt.Errorf("encode a text: %w", err)
	}

	return a.store(ctx, req, &post{
		id:           outbound.ID(c.number(), key),
		conversation: c,
		answer:       answer.Answer{Replies: []answer.Reply{{Kind: answer.KindText, Text: text}}},
		body:         body,
		digest:       digest(req),
		role:         req.caller.role,
		change:       &change,
	})
}
