// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Ingest implements store.Store.
func (s *Store) Ingest(ctx context.Context, events []store.Event) ([]bool, error) {
	for i := range events {
		if err := events[i].Validate(); err != nil {
			return nil, fmt.Errorf("store events: %w", err)
		}
	}
	if len(events) == 0 {
		return nil, nil
	}
	fresh := make([]bool, len(events))
	err := s.writer.do(ctx, func(t *tx) (err error) {
		for i := range events {
			if fresh[i], err = t.ingest(&events[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store events: %w", err)
	}
	return fresh, nil
}

func (t *tx) ingest(e *store.Event) (fresh bool, err error) {
	received := e.ReceivedAt.UnixMilli()
	finished := any(received)
	if e.State == store.Pending {
		finished = nil
	}
	fresh, seq, err := t.insert(`
		INSERT INTO events (id, kind, type, state, lane, phone_number_id, received_at, finished_at, payload)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		e.ID[:], string(e.Kind), e.Type, string(e.State), e.Lane, e.PhoneNumberID, received, finished, bytes(e.Payload))
	if err != nil || !fresh {
		return false, err
	}
	t.counted("", e.State)
	if e.State == store.Pending {
		if err := t.awaken(e, received); err != nil {
			return false, err
		}
	}
	if e.Status != nil {
		return true, t.applyStatus(seq, received, e.Status)
	}
	return true, nil
}

// awaken makes the lane of a new event due, unless it is leased or waits for a retry of an earlier one. Of two messages
// within a minute the first may stand for both as the last one: most messages in a burst then write nothing here.
func (t *tx) awaken(e *store.Event, received int64) error {
	var inbound any
	if e.Kind == store.KindMessage {
		inbound = received
	}
	_, err := t.exec(`
		INSERT INTO conversations (lane, ready_at, last_inbound_at) VALUES (?1, ?2, ?3)
		ON CONFLICT (lane) DO UPDATE SET
			ready_at = coalesce(ready_at, excluded.ready_at),
			last_inbound_at = coalesce(max(last_inbound_at, excluded.last_inbound_at), last_inbound_at, excluded.last_inbound_at)
		WHERE ready_at IS NULL OR excluded.last_inbound_at >= coalesce(last_inbound_at, 0) + 60000`,
		e.Lane, received, inbound)
	return err
}

func (t *tx) applyStatus(seq, received int64, u *store.StatusUpdate) error {
	_, err := t.exec(`
		INSERT INTO statuses (event, phone_number_id, message_id, participant, type, status, rank, at, error_code)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (message_id, phone_number_id, participant, type) DO UPDATE SET
			event = excluded.event, status = excluded.status, rank = excluded.rank, at = excluded.at,
			error_code = excluded.error_code
		WHERE excluded.rank > rank`,
		seq, u.PhoneNumberID, u.MessageID, u.Participant, u.Type, u.Status, int64(u.Rank), u.At.UnixMilli(), int64(u.ErrorCode))
	if err != nil || u.ReplyTo == (store.ID{}) {
		return err
	}
	return t.resolve(received, u)
}

// resolve records what a status proves: that Meta took the send it names. A failed status proves it too, since it
// bears the id that Meta gave the message.
func (t *tx) resolve(now int64, u *store.StatusUpdate) error {
	sent, err := t.exec(`
		UPDATE replies SET state = 'sent', message_id = ?
		WHERE event = (SELECT seq FROM events WHERE id = ?) AND part = ? AND state = 'sending'`,
		u.MessageID, u.ReplyTo[:], int64(u.ReplyPart))
	if err != nil || sent == 0 {
		return err
	}
	// The wait is brought forward only when it is this event's, not that of another in the lane.
	_, err = t.exec(`
		UPDATE conversations SET ready_at = min(ready_at, ?1)
		WHERE (lane, head) = (SELECT lane, seq FROM events WHERE id = ?2) AND token IS NULL AND ready_at IS NOT NULL`,
		now, u.ReplyTo[:])
	return err
}
