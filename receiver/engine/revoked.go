// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// deletedText is the reason in the history of a message that the person deleted.
const deletedText = "the person deleted the message before it was answered"

// noteRevocation adds to the history of a message that the person deleted it, if the message has ended without an answer: a
// replay does not ask the AI about it. It applies to revocations only, also while people have the conversation.
func (e *Engine) noteRevocation(ctx context.Context, a *attempt) error {
	original, ok := a.message.Revoke()
	if !ok {
		return nil
	}

	record, err := e.revoked(ctx, a, original)
	if record == nil || err != nil {
		return err
	}

	if slices.Contains(store.Replayable, record.Event.State) && !wasRevoked(record) {
		a.pendingStep.Note = &store.Note{
			Event: record.Event.ID,
			Failure: store.Failure{
				At:    e.Clock.Now(),
				Class: classSkipped,
				Code:  codeRevoked,
				Text:  deletedText,
			},
		}
	}

	return nil
}

// revoked returns the message that a revocation names, or nil if it is not stored. The id may be that of an edit of the message.
func (e *Engine) revoked(ctx context.Context, a *attempt, id whatsapp.Text) (*store.Record, error) {
	record, err := e.storedMessage(ctx, a, id)
	if record == nil || err != nil {
		return nil, err
	}

	message, _ := messageOf(record.Event)
	if edit, isEdit := message.Edit(); isEdit {
		return e.storedMessage(ctx, a, edit.OriginalID)
	}

	return record, nil
}

// storedMessage returns the event of a message without its content while its key is missing, or nil if it is not stored.
func (e *Engine) storedMessage(ctx context.Context, a *attempt, id whatsapp.Text) (*store.Record, error) {
	record, err := e.storedState(ctx, store.NewID(store.KindMessage, a.number(), string(id)))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}

	if err != nil {
		return nil, fmt.Errorf("look up a message that the person deleted: %w", err)
	}

	return record, nil
}

// markDeleted marks the messages of a replayed question that the person deleted after they had ended.
func (e *Engine) markDeleted(ctx context.Context, a *attempt, q *question) error {
	if a.work.Replays == 0 {
		return nil
	}

	for _, m := range q.messages {
		record, err := e.storedMessage(ctx, a, m.ids[0])
		if err != nil {
			return err
		}

		m.isDeleted = record != nil && wasRevoked(record)
	}

	return nil
}

// wasRevoked reports whether the history of a message has that the person deleted it.
func wasRevoked(r *store.Record) bool {
	return slices.ContainsFunc(r.Failures, func(f store.Failure) bool { return f.Class == classSkipped && f.Code == codeRevoked })
}
