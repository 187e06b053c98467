// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const recordColumns = `
	SELECT e.seq, e.class, e.lane, ` + headColumns + `, e.state, e.finished_at, e.attempts, e.replays,
		e.binds OR e.bound_to IS NOT NULL, coalesce(c.starts, 0), coalesce(e.transcript, '')
	FROM events e LEFT JOIN conversations c ON c.lane = e.lane AND c.class = e.class AND c.head = e.seq `

// foundColumns are recordColumns without the long ones.
var foundColumns = strings.NewReplacer("e.payload", "NULL::bytea", "e.transcript", "NULL::text").Replace(recordColumns)

// Get implements store.Events.
func (s *Store) Get(ctx context.Context, id store.ID) (*store.Record, error) {
	found, err := s.records(ctx, recordColumns+"WHERE e.id = $1", id)
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}

	if err != nil {
		return nil, fmt.Errorf("read event %s: %w", id, err)
	}

	return &found[0], nil
}

// List implements store.Events.
func (s *Store) List(ctx context.Context, filter store.Filter, after int64, limit int) ([]store.Record, error) {
	sql := recordColumns + "WHERE e.seq > $1"
	args := []any{after, max(limit, 0)}
	// The partial indexes serve only conditions written as constants.
	switch filter.State {
	case "":
	case store.Dead:
		sql += " AND e.state = 'dead'"
	default:
		args = append(args, string(filter.State))
		sql += fmt.Sprintf(" AND e.state = $%d", len(args))
	}

	switch filter.Kind {
	case "":
	case store.KindError:
		sql += " AND e.kind = 'error'"
	default:
		args = append(args, string(filter.Kind))
		sql += fmt.Sprintf(" AND e.kind = $%d", len(args))
	}

	found, err := s.records(ctx, sql+" ORDER BY e.seq LIMIT $2", args...)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}

	return found, nil
}

// records runs a statement with recordColumns and returns the events with their replies and failures.
func (s *Store) records(ctx context.Context, sql string, args ...any) ([]store.Record, error) {
	var found []store.Record

	err := s.read(ctx, func(ctx context.Context, t *tx) (err error) {
		if found, err = t.answeredRecords(ctx, sql, args...); err != nil || len(found) == 0 {
			return err
		}

		t.readFailures(found)

		return nil
	})

	return found, err
}

// readFailures queues the query of the failures of events, which it adds to them.
func (t *tx) readFailures(of []store.Record) {
	if len(of) == 0 {
		return
	}

	at := map[int64]int{}
	for i := range of {
		at[of[i].Seq] = i
	}

	t.query("SELECT event, at, class, code, text, spent FROM failures WHERE event = ANY($1) ORDER BY event, n", func(rows pgx.Rows) error {
		var (
			event, when int64
			f           store.Failure
		)

		err := rows.Scan(&event, &when, &f.Class, &f.Code, &f.Text, &f.Spent)
		f.At = fromMillis(&when)
		of[at[event]].Failures = append(of[at[event]].Failures, f)

		return err
	}, slices.Collect(maps.Keys(at)))
}

// answeredRecords runs a statement with recordColumns and returns the events with their replies. The query of the replies
// is queued.
func (t *tx) answeredRecords(ctx context.Context, sql string, args ...any) ([]store.Record, error) {
	found, err := t.bareRecords(ctx, sql, args...)
	if err != nil || len(found) == 0 {
		return nil, err
	}

	at := map[int64]int{}
	for i := range found {
		at[found[i].Seq] = i
	}

	t.readReplies(slices.Collect(maps.Keys(at)), func(event int64, r store.Reply) {
		found[at[event]].Replies = append(found[at[event]].Replies, r)
	})

	return found, nil
}

// bareRecords runs a statement with recordColumns and returns the events without replies and failures.
func (t *tx) bareRecords(ctx context.Context, sql string, args ...any) ([]store.Record, error) {
	var found []store.Record

	t.query(sql, func(rows pgx.Rows) error {
		var (
			r        store.Record
			of       laneKey
			p        pending
			state    store.State
			finished *int64
		)

		err := rows.Scan(slices.Concat([]any{&r.Seq, (*int16)(&of.class), &of.lane}, p.targets(), []any{
			&state, &finished, &r.Attempts, &r.Replays, &r.Settled, &r.Starts, &r.Transcript,
		})...)
		r.Event = p.toEvent(of)
		r.FinishedAt = fromMillis(finished)
		r.Event.State = state
		found = append(found, r)

		return err
	}, args...)

	err := t.flush(ctx)

	return found, err
}

// MessageStatus implements store.Events.
func (s *Store) MessageStatus(ctx context.Context, phoneNumberID, messageID, participant string) (*store.StatusUpdate, error) {
	var found *store.StatusUpdate

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		t.query(`
			SELECT status, rank, at, error_code FROM statuses
			WHERE message_id = $1 AND phone_number_id = $2 AND participant = $3 AND type = ''`,
			func(rows pgx.Rows) error {
				found = &store.StatusUpdate{
					PhoneNumberID: phoneNumberID,
					MessageID:     messageID,
					Participant:   participant,
				}

				var at int64

				err := rows.Scan(&found.Status, &found.Rank, &at, &found.ErrorCode)
				found.At = fromMillis(&at)

				return err
			}, messageID, phoneNumberID, participant)

		return nil
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

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		t.query(`
			SELECT sum(pending)::bigint, sum(pending_statuses)::bigint, sum(pending_notices)::bigint, sum(dead)::bigint,
				sum(quarantined)::bigint,
				(SELECT min(received_at) FROM events WHERE state = 'pending' AND class = 0),
				(SELECT count(*) FROM conversations WHERE class = 0 AND last_inbound_at >= $1),
				(SELECT count(*) FROM conversations WHERE human_until > $2),
				(SELECT max(last_inbound_at) FROM conversations WHERE class = 0),
				(SELECT min(finished_at) FROM events WHERE state IN ('dead', 'quarantined'))
			FROM counts`,
			func(rows pgx.Rows) error {
				var oldest, newest, dead *int64

				err := rows.Scan(&stats.Pending, &stats.PendingStatuses, &stats.PendingNotices, &stats.DeadLetters, &stats.Quarantined,
					&oldest, &stats.ActiveConversations, &stats.HumanConversations, &newest, &dead)
				stats.OldestPending = fromMillis(oldest)
				stats.LastMessageAt = fromMillis(newest)
				stats.OldestDeadLetter = fromMillis(dead)

				return err
			}, now.Add(-24*time.Hour).UnixMilli(), now.UnixMilli())

		return nil
	})
	if err != nil {
		return store.Stats{}, fmt.Errorf("read the statistics of the store: %w", err)
	}

	return stats, nil
}

// Totals implements store.Maintenance.
func (s *Store) Totals(ctx context.Context) ([]store.Total, error) {
	var totals []store.Total

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		t.query("SELECT kind, type, state, count(*) FROM events GROUP BY kind, type, state ORDER BY kind, type, state",
			func(rows pgx.Rows) error {
				var total store.Total

				err := rows.Scan(&total.Kind, &total.Type, &total.State, &total.Count)
				totals = append(totals, total)

				return err
			})

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count the events of the store: %w", err)
	}

	return totals, nil
}
