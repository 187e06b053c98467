// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// EventDetail implements store.Events.
func (s *Store) EventDetail(ctx context.Context, id store.ID) (*store.EventDetail, error) {
	var detail *store.EventDetail

	err := s.read(ctx, func(ctx context.Context, t *tx) error {
		found, err := t.answeredRecords(ctx, recordColumns+"WHERE e.id = $1", id)
		if err != nil {
			return err
		}

		if len(found) == 0 {
			return store.ErrNotFound
		}

		t.readFailures(found)

		if err := t.flush(ctx); err != nil {
			return err
		}

		detail = &store.EventDetail{Record: found[0]}

		t.query("SELECT id FROM events WHERE seq = (SELECT bound_to FROM events WHERE seq = $1)", func(rows pgx.Rows) error {
			return rows.Scan((*[16]byte)(&detail.CoalescedWith))
		}, detail.Seq)
		t.query("SELECT id FROM events WHERE bound_to = $1 ORDER BY seq LIMIT $2", func(rows pgx.Rows) error {
			var follower [16]byte

			err := rows.Scan(&follower)
			detail.Followers = append(detail.Followers, follower)

			return err
		}, detail.Seq, store.MaxFollowers)

		var sent []string

		for _, reply := range detail.Replies {
			if reply.MessageID != "" {
				sent = append(sent, reply.MessageID)
			}
		}

		t.readStatuses(detail.Event.PhoneNumberID, sent, &detail.Statuses)

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the details of event %s: %w", id, err)
	}

	return detail, nil
}

// Statuses implements store.Events.
func (s *Store) Statuses(ctx context.Context, phoneNumberID string, messageIDs []string) ([]store.StatusUpdate, error) {
	var found []store.StatusUpdate

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		t.readStatuses(phoneNumberID, messageIDs, &found)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the statuses of messages: %w", err)
	}

	return found, nil
}

// readStatuses queues the query of the statuses of messages, which it adds to found.
func (t *tx) readStatuses(phoneNumberID string, messageIDs []string, found *[]store.StatusUpdate) {
	if len(messageIDs) == 0 {
		return
	}

	t.query(`
		SELECT message_id, participant, status, rank, at, error_code FROM statuses
		WHERE message_id = ANY($1) AND phone_number_id = $2 AND type = ''
		ORDER BY array_position($1, message_id), participant LIMIT $3`,
		func(rows pgx.Rows) error {
			var at int64

			u := store.StatusUpdate{PhoneNumberID: phoneNumberID}
			err := rows.Scan(&u.MessageID, &u.Participant, &u.Status, &u.Rank, &at, &u.ErrorCode)
			u.At = fromMillis(&at)
			*found = append(*found, u)

			return err
		}, messageIDs, phoneNumberID, store.MaxStatuses)
}
