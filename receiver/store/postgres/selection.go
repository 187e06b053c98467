// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// replayableStates are the states of store.Replayable. As an argument they do not lead the planner to the index
// events_unanswered, which would find an event by its key more slowly.
var replayableStates = toStrings(store.Replayable)

func toStrings(states []store.State) []string {
	texts := make([]string, len(states))
	for i, state := range states {
		texts[i] = string(state)
	}

	return texts
}

// processable is the condition that an event can be processed again: it has a payload and a lane.
const processable = "NOT e.emptied AND e.class <> 3 AND e.lane <> ''"

// unanswered returns a query of the seqs of a selection after a given one, in order of arrival, and its arguments. It leaves
// out what a job has replayed, if there is one. The last argument is the limit. Each state is read from its part of the index, so that
// the limit ends the search.
func unanswered(selection store.Selection, after int64, limit int, further, job string) (sql string, args []any) {
	args = []any{after}
	filter := func(condition string, value any) string {
		args = append(args, value)
		return fmt.Sprintf(" AND "+condition, len(args))
	}

	where := further + selected(selection, filter)
	if job != "" {
		where += filter("e.replay_job IS DISTINCT FROM $%d", job)
	}

	args = append(args, max(limit, 0))

	states := slices.Compact(slices.Sorted(slices.Values(selection.States)))
	parts := make([]string, len(states))

	for i, state := range states {
		parts[i] = fmt.Sprintf("(SELECT e.seq FROM events e WHERE e.state = '%s' AND e.seq > $1%s ORDER BY e.seq LIMIT $%d)", state, where, len(args))
	}

	return fmt.Sprintf("SELECT seq FROM (%s) s ORDER BY seq LIMIT $%d", strings.Join(parts, " UNION ALL "), len(args)), args
}

// selected returns the conditions of a selection, except its states.
func selected(selection store.Selection, filter func(condition string, value any) string) string {
	var where strings.Builder

	for _, of := range []struct{ condition, field string }{
		{"e.kind = $%d", string(selection.Kind)},
		{"e.type = $%d", selection.Type},
		{"e.phone_number_id = $%d", selection.PhoneNumberID},
		{"e.code = $%d", selection.Code},
	} {
		if value, ok := store.Wanted(of.field); ok {
			where.WriteString(filter(of.condition, value))
		}
	}

	if !selection.ReceivedAfter.IsZero() {
		where.WriteString(filter("e.received_at > $%d", selection.ReceivedAfter.UnixMilli()))
	}

	if !selection.ReceivedBefore.IsZero() {
		where.WriteString(filter("e.received_at < $%d", selection.ReceivedBefore.UnixMilli()))
	}

	if selection.LastSeq > 0 {
		where.WriteString(filter("e.seq <= $%d", selection.LastSeq))
	}

	return where.String()
}

// DeadLetters implements store.DeadLetterQueue.
func (s *Store) DeadLetters(ctx context.Context, selection store.Selection, after int64, limit int) ([]store.Record, error) {
	if err := selection.Validate(); err != nil {
		return nil, fmt.Errorf("list events that were not answered: %w", err)
	}

	sql, args := unanswered(selection, after, limit, "", "")

	found, err := s.records(ctx, recordColumns+"WHERE e.seq = ANY(ARRAY("+sql+")) ORDER BY e.seq", args...)
	if err != nil {
		return nil, fmt.Errorf("list events that were not answered: %w", err)
	}

	return found, nil
}

// Causes implements store.DeadLetterQueue.
func (s *Store) Causes(ctx context.Context, selection store.Selection) ([]store.Cause, error) {
	if err := selection.Validate(); err != nil {
		return nil, fmt.Errorf("group events that were not answered: %w", err)
	}

	args := []any{toStrings(selection.States), store.MaxCauses}
	where := selected(selection, func(condition string, value any) string {
		args = append(args, value)
		return fmt.Sprintf(" AND "+condition, len(args))
	})

	var causes []store.Cause

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		t.query(`
			SELECT g.state, g.phone_number_id, g.code, g.n, g.first, g.last, (SELECT e.id FROM events e WHERE e.seq = g.newest)
			FROM (
				SELECT e.state, e.phone_number_id, e.code, count(*) n, min(e.received_at) first, max(e.received_at) last, max(e.seq) newest
				FROM events e WHERE e.state IN ('dead', 'quarantined', 'human', 'expired') AND e.state = ANY($1)`+where+`
				GROUP BY e.state, e.phone_number_id, e.code ORDER BY n DESC, newest DESC LIMIT $2
			) g ORDER BY g.n DESC, g.newest DESC`,
			func(rows pgx.Rows) error {
				var (
					c           store.Cause
					first, last int64
					sample      [16]byte
				)

				err := rows.Scan(&c.State, &c.PhoneNumberID, &c.Code, &c.Count, &first, &last, &sample)
				c.First = fromMillis(&first)
				c.Last = fromMillis(&last)
				c.Sample = sample
				causes = append(causes, c)

				return err
			}, args...)

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("group events that were not answered: %w", err)
	}

	return causes, nil
}

// ReplaySelected implements store.DeadLetterQueue.
func (s *Store) ReplaySelected(
	ctx context.Context, selection store.Selection, after int64, now time.Time, limit int,
) (n int, next int64, err error) {
	n, next, err = s.changeSelected(ctx, selection, after, limit, " AND "+processable, func(ctx context.Context, t *tx, seqs []int64) (int, error) {
		return t.replay(ctx, seqs, now.UnixMilli(), selection.Job)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("replay selected events: %w", err)
	}

	return n, next, nil
}

// DiscardSelected implements store.DeadLetterQueue.
func (s *Store) DiscardSelected(
	ctx context.Context, selection store.Selection, after int64, now time.Time, limit int,
) (n int, next int64, err error) {
	n, next, err = s.changeSelected(ctx, selection, after, limit, "", func(ctx context.Context, t *tx, seqs []int64) (int, error) {
		return t.discard(ctx, seqs, now.UnixMilli())
	})
	if err != nil {
		return 0, 0, fmt.Errorf("discard selected events: %w", err)
	}

	return n, next, nil
}

// changeSelected changes the next events of a selection. It returns how many, and the seq to continue after.
func (s *Store) changeSelected(
	ctx context.Context, selection store.Selection, after int64, limit int, further string,
	change func(ctx context.Context, t *tx, seqs []int64) (int, error),
) (n int, next int64, err error) {
	if err := selection.Validate(); err != nil {
		return 0, 0, err
	}

	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		n = 0
		next = 0

		var seqs []int64

		sql, args := unanswered(selection, after, max(limit, 0)+1, further, selection.Job) // one more shows whether there are further events
		t.query(sql, func(rows pgx.Rows) error {
			var seq int64

			err := rows.Scan(&seq)
			seqs = append(seqs, seq)

			return err
		}, args...)

		if err := t.flush(ctx); err != nil {
			return err
		}

		if len(seqs) > max(limit, 0) {
			seqs = seqs[:max(limit, 0)]
			next = after

			if len(seqs) > 0 {
				next = seqs[len(seqs)-1]
			}
		}

		if len(seqs) == 0 {
			return nil
		}

		n, err = change(ctx, t, seqs)

		return err
	})

	return n, next, err
}
