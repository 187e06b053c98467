// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// EventDetail implements store.Events.
func (s *Store) EventDetail(ctx context.Context, id store.ID) (*store.EventDetail, error) {
	var detail *store.EventDetail

	err := s.read(ctx, func(c *conn) error {
		found, err := records(ctx, c, recordColumns+"WHERE e.id = ?", id[:])
		if err != nil {
			return err
		}

		if len(found) == 0 {
			return store.ErrNotFound
		}

		detail = &store.EventDetail{Record: found[0]}

		if err := c.readCoalescence(ctx, detail); err != nil {
			return err
		}

		detail.Statuses, err = c.readStatuses(ctx, detail.Event.PhoneNumberID, sentMessages(detail.Replies))

		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the details of event %s: %w", id, err)
	}

	return detail, nil
}

func (c *conn) readCoalescence(ctx context.Context, detail *store.EventDetail) error {
	err := c.query(ctx, "SELECT id FROM events WHERE seq = (SELECT bound_to FROM events WHERE seq = ?)", func(r row) (err error) {
		detail.CoalescedWith, err = r.id(0)
		return err
	}, detail.Seq)
	if err != nil {
		return err
	}

	return c.query(ctx, "SELECT id FROM events WHERE bound_to = ? ORDER BY seq LIMIT ?", func(r row) error {
		id, err := r.id(0)
		detail.Followers = append(detail.Followers, id)

		return err
	}, detail.Seq, int64(store.MaxFollowers))
}

func sentMessages(replies []store.Reply) []string {
	var ids []string

	for _, reply := range replies {
		if reply.MessageID != "" {
			ids = append(ids, reply.MessageID)
		}
	}

	return ids
}

// Statuses implements store.Events.
func (s *Store) Statuses(ctx context.Context, phoneNumberID string, messageIDs []string) ([]store.StatusUpdate, error) {
	var found []store.StatusUpdate

	err := s.read(ctx, func(c *conn) (err error) {
		found, err = c.readStatuses(ctx, phoneNumberID, messageIDs)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the statuses of messages: %w", withDamage(err))
	}

	return found, nil
}

func (c *conn) readStatuses(ctx context.Context, phoneNumberID string, messageIDs []string) ([]store.StatusUpdate, error) {
	var found []store.StatusUpdate

	for _, id := range messageIDs {
		err := c.query(ctx, `
			SELECT participant, status, rank, at, error_code FROM statuses
			WHERE message_id = ? AND phone_number_id = ? AND type = '' ORDER BY participant LIMIT ?`,
			func(r row) error {
				found = append(found, store.StatusUpdate{
					PhoneNumberID: phoneNumberID,
					MessageID:     id,
					Participant:   r.text(0),
					Status:        r.text(1),
					Rank:          int(r.int(2)),
					At:            r.time(3),
					ErrorCode:     int(r.int(4)),
				})

				return nil
			}, id, phoneNumberID, int64(store.MaxStatuses-len(found)))
		if err != nil {
			return nil, err
		}
	}

	return found, nil
}
