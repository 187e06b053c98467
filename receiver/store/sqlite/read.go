// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const recordColumns = `
	SELECT e.seq, e.id, e.kind, e.type, e.state, e.lane, e.phone_number_id, e.received_at, e.finished_at, e.attempts,
		e.payload, c.starts, e.class, e.replays,
		e.binds OR e.bound_to IS NOT NULL, (SELECT text FROM transcripts WHERE event = e.seq)
	FROM events e LEFT JOIN conversations c ON c.lane = e.lane AND c.class = e.class AND c.head = e.seq `

// Get implements store.Events.
func (s *Store) Get(ctx context.Context, id store.ID) (*store.Record, error) {
	var found []store.Record

	err := s.read(ctx, func(c *conn) (err error) {
		found, err = records(ctx, c, recordColumns+"WHERE e.id = ?", id[:])
		return err
	})
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}

	if err != nil {
		return nil, fmt.Errorf("read event %s: %w", id, withDamage(err))
	}

	return &found[0], nil
}

// List implements store.Events.
func (s *Store) List(ctx context.Context, filter store.Filter, after int64, limit int) ([]store.Record, error) {
	// The partial indexes serve only conditions written as constants.
	sql := recordColumns + "WHERE e.seq > ?1"
	switch filter.State {
	case "":
	case store.Dead:
		sql += " AND e.state = 'dead'"
	default:
		sql += " AND e.state = ?2"
	}

	switch filter.Kind {
	case "":
	case store.KindError:
		sql += " AND e.kind = 'error'"
	default:
		sql += " AND e.kind = ?3"
	}

	sql += " ORDER BY e.seq LIMIT ?4"

	var found []store.Record

	err := s.read(ctx, func(c *conn) (err error) {
		found, err = records(ctx, c, sql, after, string(filter.State), string(filter.Kind), int64(max(limit, 0)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}

	return found, nil
}

// records runs a statement with recordColumns and returns the events with their replies and failures.
func records(ctx context.Context, c *conn, sql string, args ...driver.Value) ([]store.Record, error) {
	found, err := bareRecords(ctx, c, sql, args...)
	if err != nil {
		return nil, err
	}

	for i := range found {
		if found[i].Replies, err = readReplies(ctx, c, found[i].Seq); err != nil {
			return nil, err
		}

		if found[i].Failures, err = readFailures(ctx, c, found[i].Seq); err != nil {
			return nil, err
		}
	}

	return found, nil
}

// bareRecords runs a statement with recordColumns and returns the events without replies and failures.
func bareRecords(ctx context.Context, c *conn, sql string, args ...driver.Value) ([]store.Record, error) {
	var found []store.Record

	err := c.query(ctx, sql, func(r row) error {
		id, err := r.id(1)
		found = append(found, store.Record{FinishedAt: r.time(8), Work: store.Work{
			Seq:        r.int(0),
			Attempts:   int(r.int(9)),
			Starts:     int(r.int(11)),
			Replays:    int(r.int(13)),
			Settled:    r.int(14) != 0,
			Transcript: r.text(15),
			Event: store.Event{
				ID:            id,
				Kind:          store.Kind(r.text(2)),
				Type:          r.text(3),
				State:         store.State(r.text(4)),
				Class:         r.class(12),
				Lane:          r.text(5),
				PhoneNumberID: r.text(6),
				ReceivedAt:    r.time(7),
				Payload:       r.blob(10),
			},
		}})

		return err
	}, args...)

	return found, err
}

func readFailures(ctx context.Context, c *conn, event int64) ([]store.Failure, error) {
	var all []store.Failure

	err := c.query(ctx, "SELECT at, class, code, text, spent FROM failures WHERE event = ? ORDER BY n", func(r row) error {
		all = append(all, store.Failure{
			At:    r.time(0),
			Class: r.text(1),
			Code:  r.text(2),
			Text:  r.text(3),
			Spent: r.int(4) != 0,
		})

		return nil
	}, event)

	return all, err
}

// MessageStatus implements store.Events.
func (s *Store) MessageStatus(ctx context.Context, phoneNumberID, messageID, participant string) (*store.StatusUpdate, error) {
	var found *store.StatusUpdate

	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, `
			SELECT status, rank, at, error_code FROM statuses
			WHERE message_id = ? AND phone_number_id = ? AND participant = ? AND type = ''`,
			func(r row) error {
				found = &store.StatusUpdate{
					PhoneNumberID: phoneNumberID,
					MessageID:     messageID,
					Participant:   participant,
					Status:        r.text(0),
					Rank:          int(r.int(1)),
					At:            r.time(2),
					ErrorCode:     int(r.int(3)),
				}

				return nil
			}, messageID, phoneNumberID, participant)
	})
	if err == nil && found == nil {
		err = store.ErrNotFound
	}

	if err != nil {
		return nil, fmt.Errorf("read the status of a message: %w", err)
	}

	return found, nil
}

// Stats implements store.Maintenance.
func (s *Store) Stats(ctx context.Context, now time.Time) (store.Stats, error) {
	var stats store.Stats

	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, `
			SELECT pending, pending_statuses, pending_notices, dead, quarantined,
				(SELECT min(received_at) FROM events WHERE state = 'pending' AND class = 0),
				(SELECT count(*) FROM conversations
					WHERE class = 0 AND last_inbound_at >= ?1),
				(SELECT count(*) FROM conversations WHERE human_until > ?2),
				(SELECT max(last_inbound_at) FROM conversations WHERE class = 0),
				(SELECT count(*) FROM damaged WHERE class <> ?3),
				(SELECT count(*) FROM damaged WHERE class = ?3),
				(SELECT min(finished_at) FROM events WHERE state IN ('dead', 'quarantined'))
			FROM counts`,
			func(r row) error {
				stats = store.Stats{
					Pending:             r.int(0),
					PendingStatuses:     r.int(1),
					PendingNotices:      r.int(2),
					DeadLetters:         r.int(3),
					Quarantined:         r.int(4),
					OldestPending:       r.time(5),
					ActiveConversations: r.int(6),
					HumanConversations:  r.int(7),
					LastMessageAt:       r.time(8),
					Damaged:             r.int(9),
					DamagedEvents:       r.int(10),
					OldestDeadLetter:    r.time(11),
				}

				return nil
			}, now.Add(-24*time.Hour).UnixMilli(), now.UnixMilli(), int64(store.NoClass))
	})
	if err != nil {
		return store.Stats{}, fmt.Errorf("read the statistics of the store: %w", err)
	}

	for class := range s.unclaimable {
		stats.Unclaimable = stats.Unclaimable || s.unclaimable[class].Load()
	}

	return stats, nil
}

// Totals implements store.Maintenance.
func (s *Store) Totals(ctx context.Context) ([]store.Total, error) {
	var totals []store.Total

	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT kind, type, state, count(*) FROM events GROUP BY kind, type, state ORDER BY kind, type, state",
			func(r row) error {
				totals = append(totals, store.Total{
					Kind:  store.Kind(r.text(0)),
					Type:  r.text(1),
					State: store.State(r.text(2)),
					Count: r.int(3),
				})

				return nil
			})
	})
	if err != nil {
		return nil, fmt.Errorf("count the events of the store: %w", err)
	}

	return totals, nil
}
