// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/gate"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// outageGrace is the minimum time to await a later answer after the start of the process or an outage of the store. An AI that
// could not post its answer meanwhile posts it again.
const outageGrace = 20 * time.Second

// awaited is a question that the AI answers later.
type awaited struct {
	id           store.ID
	message      whatsapp.Message
	lane         string // of the conversation
	conversation store.Conversation
}

// awaitAnswer shows the typing indicator while the AI may still answer. At the deadline it sends the fallback text. It ends
// early if no answer to the question is open.
func (e *Engine) awaitAnswer(ctx context.Context, a *statusAttempt) error {
	question, err := e.findAwaited(ctx, a)
	if err != nil || question == nil {
		return err
	}

	now := e.Clock.Now()
	asked := a.outbound.AskedAt
	deadline := later(asked.Add(a.settings.Processing.AnswerWithin), e.reachableSince().Add(outageGrace))

	if !now.Before(deadline) {
		return e.expireAnswer(a, question, now)
	}

	next := now.Add(typingRenewal)
	if shownUntil := asked.Add(typingRenewal); now.Before(shownUntil) {
		next = shownUntil
	} else if !e.renewTyping(ctx, a, question) {
		next = deadline
	}

	return &postponed{until: earlier(next, deadline), reason: "waiting for a later answer"}
}

// findAwaited returns the question of an answer deadline. It returns nil if no answer is awaited: the answer was posted, the
// question was replayed or purged, or a takeover began.
func (e *Engine) findAwaited(ctx context.Context, a *statusAttempt) (*awaited, error) {
	const op = "await answer"

	id, err := store.ParseID(a.outbound.Question)
	if err != nil {
		return nil, unreadable(op, "the stored deadline names no question")
	}

	message, err := a.item.Message()
	if err != nil {
		return nil, unreadable(op, "the message is not a JSON object")
	}

	record, err := e.storedState(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}

	if err != nil {
		return nil, fmt.Errorf("look up the question of a later answer: %w", err)
	}

	if record.Replays != a.outbound.Replays {
		return nil, nil // a replay has asked again
	}

	if answered, err := e.isAnswered(ctx, id, record.Replays); err != nil || answered {
		return nil, err
	}

	question := &awaited{
		id:      id,
		message: message,
	}

	if question.lane, err = e.Store.Lane(ctx, record.Event.Lane); err != nil {
		return nil, ofStore(fmt.Errorf("look up the conversation of a later answer: %w", err))
	}

	question.conversation, err = e.Store.Conversation(ctx, question.lane)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, ofStore(fmt.Errorf("look up the conversation of a later answer: %w", err))
	}

	takeover := question.conversation.Takeover
	if takeover.Active(e.Clock.Now()) || takeover.By != store.Assistant && takeover.At.After(a.outbound.AskedAt) {
		return nil, nil
	}

	return question, nil
}

// renewTyping shows the typing indicator again, unless the sends of the conversation are paused. It reports false if the
// conversation has no typing indicator.
func (e *Engine) renewTyping(ctx context.Context, a *statusAttempt, question *awaited) bool {
	asker := &attempt{inbound: a.inbound, message: question.message}
	if !asker.showsTyping() {
		return false
	}

	names := append(question.message.Aliases(a.number()), question.message.Conversation(a.number()))
	if e.gate.Check(gate.Send(a.item.WABAID, a.number(), question.lane, names...)) == nil {
		e.sendReceipt(ctx, asker)
	}

	return true
}

// unansweredData is the data of the notice that the AI did not answer in time. It has no personal data.
type unansweredData struct {
	Type       string    `json:"type"` // of the message
	AskedAt    time.Time `json:"asked_at"`
	AgeSeconds int64     `json:"age_seconds"` // since then
}

// expireAnswer emits the fallback text, and a notice that the AI did not answer in time. An answer that comes later is still
// sent.
func (e *Engine) expireAnswer(a *statusAttempt, question *awaited, now time.Time) error {
	a.isExpired = true

	if text := a.settings.Processing.FallbackText; text != "" {
		event, err := a.fallback(question, text, now)
		if err != nil {
			return err
		}

		a.effects.Emit = append(a.effects.Emit, event)
	}

	if a.settings.Notifications.SinkURL == "" {
		return nil
	}

	data, _ := json.Marshal(unansweredData{ // strings, times and numbers always encode
		Type:       a.work.Event.Type,
		AskedAt:    a.outbound.AskedAt.UTC(),
		AgeSeconds: int64(now.Sub(a.outbound.AskedAt) / time.Second),
	})
	a.effects.Emit = append(a.effects.Emit, notice.Notice{
		Type:    notice.MessageUnanswered,
		Source:  notice.Number(a.work.Event.PhoneNumberID),
		Subject: question.id.String(),
		Time:    now,
		Data:    data,
	}.Event(a.work.Event.ID.String()))

	return nil
}

// fallback returns the event that sends the fallback text in the lane of the conversation.
func (a *statusAttempt) fallback(question *awaited, text string, now time.Time) (store.Event, error) {
	body, err := json.Marshal(map[string]string{"response": text})
	if err != nil {
		return store.Event{}, fmt.Errorf("encode the fallback text: %w", err)
	}

	message := a.outbound
	message.Body = body
	message.Fallback = true

	return message.Event(store.NewID(store.KindOutbound, a.work.Event.ID.String()), question.lane, now)
}

// recordDeadline counts the awaited answers, and counts and logs expired deadlines.
func (e *Engine) recordDeadline(a *statusAttempt, outcome *store.Outcome) {
	if outcome.State == store.Pending {
		e.Metrics.AnswerAwaited(a.work.Event.ID, outcome.RetryAt)
		return
	}

	e.Metrics.AnswerSettled(a.work.Event.ID)

	if !a.isExpired {
		return
	}

	e.Metrics.MessageUnanswered()
	e.Log.Warn("the AI did not answer in time",
		logevent.EventID, a.outbound.Question,
		"type", a.work.Event.Type,
		"asked_at", a.outbound.AskedAt)
}
