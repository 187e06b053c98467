// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// typingTimeout bounds the read receipt and typing indicator.
const typingTimeout = 3 * time.Second

// ask puts the message to the AI and records the answer, so that a later attempt sends it without asking again.
func (e *Engine) ask(ctx context.Context, t *task, handle handler) error {
	request := handle(t)
	if !e.Bird.Enabled(request.Method) {
		t.end = store.Kept
		return nil
	}
	request.Attempt = t.work.Attempts + 1
	var courtesy sync.WaitGroup
	courtesy.Go(func() { e.showTyping(ctx, t) })
	began := e.Clock.Now()
	answer, err := e.Bird.Ask(ctx, request)
	e.Metrics.AIAnswered(string(request.Method), e.Clock.Since(began))
	e.note(string(request.Method), err)
	courtesy.Wait() // or else "typing" could appear after the answer
	if err != nil || len(answer.Replies) == 0 {
		return err
	}
	replies, err := plan(t, answer)
	if err != nil {
		return err
	}
	t.work.Replies = replies
	step := store.Step{Now: e.Clock.Now(), Answer: replies}
	if e.Graph.TakeTurn(t.number()) {
		step.Sending = &replies[0].Part
	}
	if _, err := e.record(ctx, t, step); err != nil {
		return err
	}
	t.inFlight = step.Sending
	return nil
}

// showTyping is a courtesy that must not hold up the answer: what is wrong with it will show when that is sent.
func (e *Engine) showTyping(ctx context.Context, t *task) {
	if !*t.settings.Processing.TypingIndicator || t.message.GroupID != "" || t.work.Attempts > 0 || t.settings.Secrets.AccessToken == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, typingTimeout)
	defer cancel()
	if err := e.Graph.MarkRead(ctx, t.number(), string(t.message.ID)); err != nil {
		e.Metrics.CallFailed(failure.Of(err))
		e.Log.Debug("mark read", "event", t.work.Event.ID, "error", err)
	}
}

// plan turns the answer into the sends it takes. Only the first refers to the message that is answered.
func plan(t *task, answer bird.Answer) ([]store.Reply, error) {
	var replies []store.Reply
	for _, reply := range answer.Replies {
		for _, text := range whatsapp.SplitText(reply.Text) {
			part := len(replies)
			target := whatsapp.Reply{To: whatsapp.RecipientOf(t.message), Callback: whatsapp.Callback(t.work.Event.ID.String(), part)}
			if part == 0 {
				target.ContextID = string(t.message.ID)
			}
			body, err := whatsapp.TextMessage(target, text, reply.PreviewURL)
			if err != nil {
				return nil, &failure.Error{Class: failure.Permanent, Op: "send message", Code: "bad_request", Text: "the answer cannot be encoded"}
			}
			replies = append(replies, store.Reply{Part: part, Type: "text", Body: body, State: store.Planned})
		}
	}
	return replies, nil
}

// send sends, in order, the replies that were not sent. Each is recorded as being sent before it is, so that after a
// crash it is known which one is in doubt. One in doubt waits for a status that proves it, and is sent again only when
// none has come: Meta has no idempotency key for sends.
func (e *Engine) send(ctx context.Context, t *task) error {
	for i := range t.work.Replies {
		reply := &t.work.Replies[i]
		if reply.State == store.Sent {
			continue
		}
		if t.inFlight == nil {
			err := e.begin(ctx, t, reply)
			if errors.Is(err, store.ErrAlreadySent) {
				continue // a status proved it just now
			}
			if err != nil {
				return err
			}
		}
		const op = "send message"
		id, err := e.Graph.Send(ctx, t.number(), reply.Body)
		e.note(op, err)
		if err != nil {
			return err
		}
		e.Metrics.MessageSent(reply.Type)
		t.sent, t.inFlight = &store.SentRef{Part: reply.Part, MessageID: id}, nil
	}
	return nil
}

// begin records that reply is being sent, together with the one before it that was.
func (e *Engine) begin(ctx context.Context, t *task, reply *store.Reply) error {
	if reply.State == store.Sending {
		if settled := reply.StartedAt.Add(t.settings.Processing.AmbiguousWindow); e.Clock.Now().Before(settled) {
			return &postponed{until: settled}
		}
		if t.work.Attempts > *t.settings.Processing.Retry.MaxRetries {
			return &failure.Error{Class: failure.Permanent, Op: "send message", Code: "in_doubt", Text: "the last attempt ended without an answer and no status has come"}
		}
	}
	if err := e.waitTurn(ctx, t); err != nil {
		return err
	}
	if _, err := e.record(ctx, t, store.Step{Now: e.Clock.Now(), Sent: t.sent, Sending: &reply.Part}); err != nil {
		return err
	}
	t.sent, t.inFlight = nil, &reply.Part
	return nil
}

// waitTurn waits for the phone number's throughput. What was sent before is recorded first where that takes a while.
func (e *Engine) waitTurn(ctx context.Context, t *task) error {
	if e.Graph.TakeTurn(t.number()) {
		return nil
	}
	if t.sent != nil {
		if _, err := e.record(ctx, t, store.Step{Now: e.Clock.Now(), Sent: t.sent}); err != nil {
			return err
		}
		t.sent = nil
	}
	if err := e.Graph.WaitTurn(ctx, t.number()); err != nil {
		return fmt.Errorf("wait for the phone number's throughput: %w", err)
	}
	return nil
}
