// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/media"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/tracing"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// maxStarts bounds how often an event is begun without anything being recorded: one that ends the process each time
// must not stop its lane for ever.
const maxStarts = 10

// task is one event in hand, and how far its work has come.
type task struct {
	lease    store.LeaseRef
	work     *store.Work
	item     whatsapp.Item
	message  whatsapp.Message
	contact  whatsapp.Contact
	settings *config.Snapshot
	texts    []string    // of the messages that are put together with this one
	file     *media.File // what the person sent, while the AI is asked

	end      store.State    // how a success is recorded
	final    store.Step     // what is recorded with it besides
	spoilt   *failure.Error // makes it a dead letter although an answer was sent: the fallback text
	sent     *store.SentRef // a reply that Meta took, not recorded yet
	inFlight *int           // the part that is recorded as being sent, while nothing is known of its outcome
}

// converse does all that is still to do for an event of a conversation: a message is put to the AI, unless it has
// answered, and what was not sent is sent.
func (e *Engine) converse(ctx context.Context, t *task) (err error) {
	if t.work.Starts > maxStarts {
		return &failure.Error{
			Class: failure.Permanent,
			Op:    "work",
			Code:  "abandoned",
			Text:  "begun several times and never ended: the process stopped each time",
		}
	}

	if err := t.read(); err != nil {
		return err
	}

	ctx, span := e.Tracer.Start(tracing.Resume(ctx, t.item.Trace), "handle message", "event", t.work.Event.ID.String(), "type", t.work.Event.Type)
	defer func() { span.End(err) }()

	if t.work.Event.Kind != store.KindMessage {
		t.colleagueWrote(e.Clock.Now())
		return nil
	}

	if len(t.work.Replies) == 0 {
		if e.Clock.Now().Before(t.work.Conversation.HumanUntil) {
			t.end = store.Skipped // a person of the business has the conversation
			return nil
		}

		if err := e.ask(ctx, t); err != nil {
			return err
		}
	}

	return e.send(ctx, t)
}

// colleagueWrote silences the AI: someone answered from the WhatsApp Business app.
func (t *task) colleagueWrote(now time.Time) {
	t.final.HumanUntil = new(now.Add(t.settings.Processing.HandoffDuration))
}

// read decodes the stored event.
func (t *task) read() error {
	item, err := whatsapp.Decode(t.work.Event.Payload)
	if err != nil {
		return &failure.Error{
			Class: failure.Permanent,
			Op:    "work",
			Code:  "unreadable",
			Text:  "the stored event cannot be read",
		}
	}

	t.item = item
	if item.Part != whatsapp.PartMessage {
		return nil
	}

	if t.message, err = whatsapp.ParseMessage(item.Raw); err != nil {
		return &failure.Error{
			Class: failure.Permanent,
			Op:    "work",
			Code:  "unreadable",
			Text:  "the message is no JSON object",
		}
	}

	t.contact = whatsapp.ParseContact(item.Contact)

	return nil
}

// number is the id of the business phone number that the message was sent to, and is answered from.
func (t *task) number() string { return string(t.item.Metadata.PhoneNumberID) }
