// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// keyRetryDelay is how long an event waits at least after an attempt that met another stored event whose key is missing.
	keyRetryDelay = time.Minute

	opRead      = "read the store"
	codeKey     = "missing_key"
	codeAltered = "altered_value"
)

// resolveKey returns the outcome of an attempt that met another stored event which cannot be decrypted, such as an earlier
// message of the memory; and the failure, or nil if the attempt continues later.
//
// As in an outage, the event waits within the service window, and spends no attempt. Then it becomes a dead letter, which
// can be replayed once the key is back. An altered value stays unreadable.
func (e *Engine) resolveKey(h head, err error) (*store.Outcome, *failure.Error) {
	now := e.Clock.Now()
	age := now.Sub(h.work.Event.ReceivedAt)
	f := &failure.Error{
		Class: failure.Configuration,
		Op:    opRead,
		Code:  codeKey,
		Text:  store.KeyProblem(err),
	}

	switch {
	case errors.Is(err, store.ErrAltered):
		f.Class = failure.Permanent
		f.Code = codeAltered
	case age < serviceWindow: // the store reports the problem
		e.sampled.Error("attempt waits for the key of a stored event", logevent.EventID, h.work.Event.ID, "error", err)

		return &store.Outcome{State: store.Pending, RetryAt: now.Add(keyWait(age))}, nil
	}

	return &store.Outcome{State: store.Dead, Failure: historyOf(f, now, f.Class == failure.Permanent)}, f
}

// keyWait returns how long an event waits for a key before the next attempt. The wait grows with the age of the event.
func keyWait(age time.Duration) time.Duration { return min(max(age, keyRetryDelay), store.MaxKeyWait) }

// storedState returns a stored event for callers that do not need its content. It returns the event even while its key is
// missing.
func (e *Engine) storedState(ctx context.Context, id store.ID) (*store.Record, error) {
	record, err := e.Store.Get(ctx, id)
	if errors.Is(err, store.ErrKey) {
		return record, nil
	}

	return record, ofStore(err)
}
