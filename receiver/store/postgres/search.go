// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Search implements store.Events.
func (s *Store) Search(ctx context.Context, search store.Search, before int64, limit int) (store.Page, error) {
	if before <= 0 {
		before = math.MaxInt64
	}

	var page store.Page

	err := s.read(ctx, func(ctx context.Context, t *tx) error {
		page = store.Page{}

		lanes, err := t.namesOf(ctx, search.Conversation)
		if err != nil {
			return err
		}

		sql, args := searched(&search, lanes, before, max(limit, 0)+1) // one more shows whether there are further events

		found, err := t.bareRecords(ctx, foundColumns+"WHERE e.seq = ANY(ARRAY("+sql+")) ORDER BY e.seq DESC", args...)
		if err != nil {
			return err
		}

		if page.Records = found; len(found) > max(limit, 0) {
			page.Records = found[:max(limit, 0)]
			page.More = true

			if limit > 0 {
				last := page.Records[limit-1]
				page.SearchedTo = last.Seq
				page.SearchedAt = last.Event.ReceivedAt
			}
		} else if err := t.readBoundary(ctx, &page, &search, before); err != nil {
			return err
		}

		t.readFailures(page.Records)

		return nil
	})
	if err != nil {
		return store.Page{}, fmt.Errorf("search events: %w", err)
	}

	return page, nil
}

// window returns a query of events before the seq $1, the newest first, as many as $2: of all, of the job $3, or of those that
// were not answered. Of these each state is read from its part of the index events_unanswered.
func window(search *store.Search, columns string) string {
	if search.Job != "" {
		return "SELECT " + columns + " FROM events e WHERE e.replay_job = $3 AND e.seq < $1 ORDER BY e.seq DESC LIMIT $2"
	}

	if !search.Unanswered() {
		return "SELECT " + columns + " FROM events e WHERE e.seq < $1 ORDER BY e.seq DESC LIMIT $2"
	}

	parts := make([]string, 0, len(store.Replayable))
	for _, state := range store.Replayable {
		parts = append(parts, fmt.Sprintf(
			"(SELECT %s FROM events e WHERE e.state = '%s' AND e.seq < $1 ORDER BY e.seq DESC LIMIT $2)", columns, state))
	}

	return "SELECT * FROM (" + strings.Join(parts, " UNION ALL ") + ") u ORDER BY seq DESC LIMIT $2"
}

// searched returns a query of the seqs that a search finds among the events it looks at, and its arguments.
func searched(search *store.Search, lanes []string, before int64, limit int) (sql string, args []any) {
	args = []any{before, search.Looks()}
	if search.Job != "" {
		args = append(args, search.Job)
	}

	args = append(args, limit)
	limitAt := len(args)

	var where strings.Builder

	filter := func(condition string, value any) {
		args = append(args, value)
		fmt.Fprintf(&where, " AND "+condition, len(args))
	}

	for _, of := range []struct{ condition, field string }{
		{"w.kind = $%d", string(search.Kind)},
		{"w.type = $%d", search.Type},
		{"w.phone_number_id = $%d", search.PhoneNumberID},
		{"w.code = $%d", search.Code},
	} {
		if value, ok := store.Wanted(of.field); ok {
			filter(of.condition, value)
		}
	}

	if search.Code != "" { // an event that was replayed and has ended keeps its code
		filter("w.state = ANY($%d)", toStrings(store.Replayable))
	}

	if len(search.States) > 0 {
		filter("w.state = ANY($%d)", toStrings(search.States))
	}

	if !search.ReceivedAfter.IsZero() {
		filter("w.received_at > $%d", search.ReceivedAfter.UnixMilli())
	}

	if !search.ReceivedBefore.IsZero() {
		filter("w.received_at < $%d", search.ReceivedBefore.UnixMilli())
	}

	if search.Conversation != "" {
		filter("w.lane = ANY($%d)", lanes)
	}

	const columns = "e.seq, e.kind, e.type, e.state, e.phone_number_id, e.code, e.received_at, e.lane"

	return fmt.Sprintf("SELECT w.seq FROM (%s) w WHERE true%s ORDER BY w.seq DESC LIMIT $%d", window(search, columns), where.String(), limitAt), args
}

// readBoundary reads how far a search has looked that found less than a page.
func (t *tx) readBoundary(ctx context.Context, page *store.Page, search *store.Search, before int64) error {
	args := []any{before, search.Looks()}
	further := "o.seq < l.seq"

	switch {
	case search.Job != "":
		further += " AND o.replay_job = $3"

		args = append(args, search.Job)
	case search.Unanswered():
		further += " AND o.state IN ('dead', 'quarantined', 'human', 'expired')"
	}

	t.query(`
		WITH l AS MATERIALIZED (SELECT min(w.seq) AS seq FROM (`+window(search, "e.seq")+`) w)
		SELECT l.seq, e.received_at, EXISTS (SELECT FROM events o WHERE `+further+`) FROM l JOIN events e ON e.seq = l.seq`,
		func(rows pgx.Rows) error {
			var received int64

			err := rows.Scan(&page.SearchedTo, &received, &page.More)
			page.SearchedAt = fromMillis(&received)

			return err
		}, args...)

	return t.flush(ctx)
}

// JobStates implements store.Events.
func (s *Store) JobStates(ctx context.Context, job string) (map[store.State]int64, error) {
	states := map[store.State]int64{}

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		clear(states)
		t.query("SELECT e.state, count(*) FROM events e WHERE e.replay_job = $1 GROUP BY e.state", func(rows pgx.Rows) error {
			var (
				state store.State
				count int64
			)

			err := rows.Scan(&state, &count)
			states[state] = count

			return err
		}, job)

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count the events of a replay: %w", err)
	}

	return states, nil
}
