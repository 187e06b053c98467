// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

const (
	// originalWait is how long an edit or a revocation waits for its message. Meta promises no order of deliveries.
	originalWait = 10 * time.Second
	// originalPollInterval is the interval of the lookups for the message meanwhile.
	originalPollInterval = time.Second
)

// changed returns the id of the message that an edit changes or a revocation deletes.
func changed(message whatsapp.Message) (original whatsapp.Text, ok bool) {
	if edit, ok := message.Edit(); ok {
		return edit.OriginalID, true
	}

	return message.Revoke()
}

// change handles an edit or a revocation that belongs to no question: the AI was asked about its message earlier, or the
// message arrives later.
func (e *Engine) change(
	ctx context.Context,
	a *attempt,
	original whatsapp.Text,
	following []store.Event,
	now time.Time,
) error {
	behind := slices.Concat(a.work.Coalesced, following)

	isOriginal := func(event store.Event) bool {
		message, ok := messageOf(event)
		return ok && message.ID == original
	}
	if i := slices.IndexFunc(behind, isOriginal); i >= 0 {
		return e.askLate(ctx, a, behind[i], slices.DeleteFunc(following, isOriginal), now)
	}

	isNewer := func(event store.Event) bool {
		message, _ := messageOf(event)
		id, ok := changed(message)

		return ok && id == original
	}
	if slices.ContainsFunc(following, isNewer) {
		a.skip(codeSuperseded, "the person changed the message again")
		return nil
	}

	return e.checkOriginal(ctx, a, original, now)
}

// askLate asks about a message that came after its edit, in the edit's place. If it came after its revocation, nothing is
// asked.
func (e *Engine) askLate(ctx context.Context, a *attempt, late store.Event, following []store.Event, now time.Time) error {
	item, err := whatsapp.Decode(late.Payload)
	if err != nil {
		return unreadable(opProcess, "the stored event cannot be decoded")
	}

	message, err := item.Message()
	if err != nil {
		return unreadable(opProcess, "the message is not a JSON object")
	}

	q := newQuestion(message)
	q.first().events = []store.Event{late}

	for _, event := range slices.Concat([]store.Event{a.work.Event}, a.work.Coalesced) {
		if event.ID != late.ID {
			q.take(event)
		}
	}

	a.item = item
	a.message = message

	return e.settle(ctx, a, q, following, now)
}

// checkOriginal waits for the message of an edit or a revocation, and skips the event if the AI does not know the message.
func (e *Engine) checkOriginal(ctx context.Context, a *attempt, original whatsapp.Text, now time.Time) error {
	id := store.NewID(store.KindMessage, a.number(), string(original))

	record, err := e.storedState(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}

	if isMissing := record == nil || err != nil; isMissing || record.Event.State == store.Pending {
		until := a.work.Event.ReceivedAt.Add(originalWait)
		if waits(now, until, originalWait) && !a.work.Settled {
			return &postponed{
				until:    earlier(now.Add(originalPollInterval), until),
				reason:   "waiting for the message that was changed",
				collects: true,
			}
		}

		if isMissing {
			a.unseen = &store.Event{
				ID:            id,
				Kind:          store.KindMessage,
				Type:          a.work.Event.Type,
				State:         store.Skipped,
				PhoneNumberID: a.work.Event.PhoneNumberID,
				ReceivedAt:    now,
			}
		}

		if _, isRevoked := a.message.Revoke(); isRevoked {
			a.dropOriginal() // whether or not the AI takes edits
		}

		return nil
	}

	if _, isEdit := a.message.Edit(); isEdit && wasRevoked(record) {
		a.skip(codeRevoked, deletedText)
		return nil
	}

	if !isKnown(record) {
		a.skip(codeUnknownToAI, "the AI was not asked about the message")
		return nil
	}

	if !isAnsweredLater(record) {
		return nil
	}

	settled := outbound.Answered(id, record.Replays, a.number(), now)
	if _, isRevoked := a.message.Revoke(); isRevoked {
		a.pendingStep.Emit = append(a.pendingStep.Emit, settled) // the person no longer waits for an answer
	} else {
		a.original = &settled
	}

	return nil
}

// settleOriginal ends the wait for a later answer to the message that an edit changes, since an answer to the edit takes its
// place. An empty answer to the edit is none.
func (a *attempt) settleOriginal(given answer.Answer) {
	if a.original != nil && (given.Later || given.Handoff != nil || len(given.Replies) > 0) {
		a.pendingStep.Emit = append(a.pendingStep.Emit, *a.original)
		a.original = nil
	}
}

// isKnown reports whether the AI may have been asked about a message that has ended, or notified of an earlier change of it
// (see dropOriginal).
func isKnown(r *store.Record) bool {
	isTold := r.Event.Type == "edit" || r.Event.Type == "revoke"

	return isTold || r.Settled || len(r.Replies) > 0 || r.Event.State == store.Done || r.Event.State == store.Dead
}

// dropOriginal skips the message of an edit or a revocation if the message arrives later: the AI was notified of the new
// text, or the person has deleted the message.
func (a *attempt) dropOriginal() {
	if a.unseen != nil {
		a.pendingStep.Emit = append(a.pendingStep.Emit, *a.unseen)
		a.unseen = nil
	}
}

// editRequest notifies the AI of the new wording of a message that it was asked about.
func editRequest(a *attempt) *assistant.Request {
	edit, ok := a.message.Edit()
	if !ok {
		return nil
	}

	return &assistant.Request{
		Method: assistant.ProcessEdit,
		Body: assistant.EditedMessage{
			Common:     a.common(),
			OriginalID: string(edit.OriginalID),
			Type:       string(edit.Message.Type),
			Text:       edit.Text(),
			Caption:    edit.Caption(),
		},
	}
}

// revokeRequest notifies the AI that the person has deleted a message that it was asked about.
func revokeRequest(a *attempt) *assistant.Request {
	original, ok := a.message.Revoke()
	if !ok {
		return nil
	}

	return &assistant.Request{
		Method: assistant.ProcessRevoke,
		Body:   assistant.RevokedMessage{Common: a.common(), OriginalID: string(original)},
	}
}

// answered returns the id of the message that the answer belongs to, "" if the person has deleted it or was not asked for
// an answer.
func (a *attempt) answered() string {
	if a.isOutbound() && a.outbound.Question == "" {
		return ""
	}

	if edit, ok := a.message.Edit(); ok {
		return string(edit.OriginalID)
	}

	if _, ok := a.message.Revoke(); ok {
		return ""
	}

	return string(a.message.ID)
}
