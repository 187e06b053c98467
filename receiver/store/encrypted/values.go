// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package encrypted

import (
	"cmp"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// events returns events with encrypted payloads. Those of the caller stay as they are.
func (k Keys) events(events []store.Event) []store.Event {
	if len(k.all) == 0 {
		return events
	}

	events = slices.Clone(events)
	for i := range events {
		events[i].Payload = k.encrypt(events[i].Payload, payloadOf(events[i].ID))
	}

	return events
}

// step returns a step of an event with encrypted values.
func (k Keys) step(event store.ID, step store.Step) store.Step {
	if len(k.all) == 0 {
		return step
	}

	step.Emit = k.events(step.Emit)

	step.Answer = slices.Clone(step.Answer)
	for i := range step.Answer {
		step.Answer[i].Body = k.encrypt(step.Answer[i].Body, replyOf(event, step.Answer[i].Part))
	}

	if step.Replacement != nil && step.Sending != nil {
		replacement := *step.Replacement
		replacement.Body = k.encrypt(replacement.Body, replyOf(event, *step.Sending))
		step.Replacement = &replacement
	}

	if step.Resend != nil {
		resend := *step.Resend
		resend.Body = k.encrypt(resend.Body, replyOf(resend.Event, resend.Part))
		step.Resend = &resend
	}

	if step.Transcript != nil {
		step.Transcript = new(k.encryptText(*step.Transcript, transcriptOf(event)))
	}

	return step
}

// work decrypts an event with its replies, its transcript, and the events coalesced with it. It leaves out what it cannot decrypt,
// and returns the first reason.
func (k Keys) work(w *store.Work) (first error) {
	value := func(sealed, place []byte) []byte {
		decrypted, err := k.decrypt(sealed, place)
		first = cmp.Or(first, err)

		return decrypted
	}

	w.Event.Payload = value(w.Event.Payload, payloadOf(w.Event.ID))

	transcript, err := k.decryptText(w.Transcript, transcriptOf(w.Event.ID))
	w.Transcript = transcript
	first = cmp.Or(first, err)

	for i := range w.Replies {
		w.Replies[i].Body = value(w.Replies[i].Body, replyOf(w.Event.ID, w.Replies[i].Part))
	}

	for i := range w.Coalesced {
		w.Coalesced[i].Payload = value(w.Coalesced[i].Payload, payloadOf(w.Coalesced[i].ID))
	}

	return first
}

func (k Keys) event(e *store.Event) (err error) {
	e.Payload, err = k.decrypt(e.Payload, payloadOf(e.ID))

	return err
}
