// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/bird"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// typingTimeout bounds the read receipt and typing indicator.
const typingTimeout = 3 * time.Second

// ask puts the message to the AI and records the answer, so that a later attempt sends it without asking again.
func (e *Engine) ask(ctx context.Context, t *task) error {
	joined, err := e.gather(ctx, t)
	if err != nil {
		return err
	}

	handle, ok := handlers[string(t.message.Type)]
	if !ok {
		handle = handleOther
	}

	request, err := handle(ctx, e, t)
	defer t.dropFile(e)

	if err != nil {
		return err
	}

	if request == nil || !e.Bird.Enabled(request.Method) {
		t.end = store.Skipped
		return nil
	}

	answer, err := e.question(ctx, t, request)
	if err != nil {
		return e.fallBack(ctx, t, err)
	}

	t.final.Coalesced = joined
	if answer.Handoff != nil {
		t.final.HumanUntil = new(e.Clock.Now().Add(t.settings.Processing.HandoffDuration))

		if answer.Handoff.Text != "" {
			answer.Replies = append(answer.Replies, bird.Reply{Kind: bird.KindText, Text: answer.Handoff.Text})
		}
	}

	replies, err := e.plan(t, answer.Replies)
	if err != nil {
		return e.fallBack(ctx, t, err)
	}

	return e.keepAnswer(ctx, t, replies)
}

// question makes the call, with "typing" shown to the person meanwhile.
func (e *Engine) question(ctx context.Context, t *task, request *bird.Request) (bird.Answer, error) {
	request.Attempt = t.work.Attempts + 1
	request.Replays = t.work.Replays

	var courtesy sync.WaitGroup
	courtesy.Go(func() { e.showTyping(ctx, t) })

	began := e.Clock.Now()
	asking, span := e.Tracer.Start(ctx, "ask Bird", "method", string(request.Method))
	answer, err := e.Bird.Ask(asking, *request)
	span.End(err)
	e.Metrics.AIAnswered(string(request.Method), e.Clock.Since(began))
	e.note(string(request.Method), err)
	courtesy.Wait() // or else "typing" could appear after the answer

	if err == nil && answer.Later {
		err = &failure.Error{
			Class: failure.Permanent,
			Op:    string(request.Method),
			Code:  bird.CodeBadResponse,
			Text:  "Bird answers later, which is not supported: answer the call itself",
		}
	}

	return answer, err
}

// keepAnswer records what is to be sent, and that sending begins where the phone number's throughput allows it at once.
func (e *Engine) keepAnswer(ctx context.Context, t *task, replies []store.Reply) error {
	if len(replies) == 0 {
		return nil
	}

	step := store.Step{
		Now:        e.Clock.Now(),
		Answer:     replies,
		Coalesced:  t.final.Coalesced,
		HumanUntil: t.final.HumanUntil,
	}
	if e.allowed(t, &replies[0]) == nil && e.Graph.Allow(t.number()) {
		step.Sending = &replies[0].Part
	}

	if _, err := e.record(ctx, t, step); err != nil {
		return err
	}

	t.final.Coalesced = nil
	t.final.HumanUntil = nil
	t.work.Replies = replies
	t.inFlight = step.Sending

	return nil
}

// fallBack sends the configured text where the AI answered with something that cannot be used. The message becomes a
// dead letter all the same.
func (e *Engine) fallBack(ctx context.Context, t *task, cause error) error {
	f := failure.Of(cause)

	text := t.settings.Processing.FallbackText
	if text == "" || (f.Code != bird.CodeBadResponse && f.Code != cloudapi.CodeBadContent) {
		return cause
	}

	replies, err := e.plan(t, []bird.Reply{{Kind: bird.KindText, Text: text}})
	if err != nil {
		return cause
	}

	t.spoilt = f

	return e.keepAnswer(ctx, t, replies)
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
		e.Log.Debug("mark read", logevent.EventID, t.work.Event.ID, "error", err)
	}
}

// dropFile gives back what was downloaded.
func (t *task) dropFile(e *Engine) {
	if t.file == nil {
		return
	}

	if err := t.file.Remove(); err != nil {
		e.Log.Error("remove downloaded media", logevent.EventID, t.work.Event.ID, "error", fmt.Errorf("spool: %w", err))
	}

	t.file = nil
}
