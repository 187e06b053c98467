// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// maxStarts bounds how often an event is begun without anything being recorded: one that ends the process each time
// must not stop its conversation for ever.
const maxStarts = 10

// task is one message in hand, and how far its answer has come.
type task struct {
	lease    store.LeaseRef
	work     *store.Work
	item     whatsapp.Item
	message  whatsapp.Message
	contact  whatsapp.Contact
	settings *config.Snapshot

	end      store.State    // how a success is recorded
	sent     *store.SentRef // a reply that Meta took, not recorded yet
	inFlight *int           // the part that is recorded as being sent, while nothing is known of its outcome
}

// run works the events of a claimed lane, in order, until none is due or the lane is lost.
func (e *Engine) run(ctx context.Context, lease store.Lease) {
	for work := &lease.Work; work != nil; {
		if e.isStopping() {
			if err := e.Store.Release(context.WithoutCancel(ctx), lease.LeaseRef, e.Clock.Now()); err != nil && !errors.Is(err, store.ErrLeaseLost) {
				e.Log.Error("hand back a conversation", "error", err)
			}
			return
		}
		t := &task{lease: lease.LeaseRef, work: work, settings: e.Live.Now(), end: store.Done}
		err := e.attempt(ctx, t)
		if errors.Is(err, store.ErrLeaseLost) || errors.Is(context.Cause(ctx), store.ErrLeaseLost) {
			e.Log.Warn("conversation taken over by another receiver", "event", work.Event.ID)
			return
		}
		step := e.settle(ctx, t, err)
		next, err := e.record(ctx, t, step)
		if err != nil {
			e.Log.Error("record the end of an attempt", "event", work.Event.ID, "error", err)
			return
		}
		e.report(t, step.Outcome)
		work = next
	}
}

// attempt does all that is still to do for a message: ask the AI, unless it has answered, and send what was not sent.
func (e *Engine) attempt(ctx context.Context, t *task) error {
	if t.work.Starts > maxStarts {
		return &failure.Error{Class: failure.Permanent, Op: "work", Code: "abandoned", Text: "begun several times and never ended: the process stopped each time"}
	}
	if err := t.read(); err != nil {
		return err
	}
	if len(t.work.Replies) == 0 {
		handle, ok := handlers[string(t.message.Type)]
		if !ok {
			t.end = store.Kept
			return nil
		}
		if err := e.ask(ctx, t, handle); err != nil {
			return err
		}
	}
	return e.send(ctx, t)
}

func (t *task) read() error {
	item, err := whatsapp.Decode(t.work.Event.Payload)
	if err != nil {
		return &failure.Error{Class: failure.Permanent, Op: "work", Code: "unreadable", Text: "the stored event cannot be read"}
	}
	message, err := whatsapp.ParseMessage(item.Raw)
	if err != nil {
		return &failure.Error{Class: failure.Permanent, Op: "work", Code: "unreadable", Text: "the message is no JSON object"}
	}
	t.item, t.message, t.contact = item, message, whatsapp.ParseContact(item.Contact)
	return nil
}
