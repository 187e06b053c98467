// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// conversationHistory reads the finished events of each name of a person, and the pending ones, which are stored under the
// name of the person's lane. The ranges and orders fit events_history and events_head and no other index: for the newest
// events of a lane, PostgreSQL might otherwise read all events that are newer.
const conversationHistory = `
	WITH person AS MATERIALIZED (
		SELECT coalesce((SELECT n.person FROM names n WHERE n.name = $1), $1) AS lane
	), found AS MATERIALIZED (
		SELECT e.seq FROM (SELECT lane FROM person UNION ALL SELECT n.name FROM person p JOIN names n ON n.person = p.lane) k
		CROSS JOIN LATERAL (
			SELECT e.seq FROM events e
			WHERE e.lane >= k.lane AND (e.lane, e.seq) < (k.lane, $2) AND e.class = 0 AND e.kind IN ('message', 'outbound')
				AND e.state <> 'pending' AND NOT e.emptied
			ORDER BY e.lane DESC, e.seq DESC LIMIT $3
		) e
		UNION ALL
		SELECT e.seq FROM person p CROSS JOIN LATERAL (
			SELECT e.seq FROM events e
			WHERE e.lane >= p.lane AND (e.lane, e.class, e.seq) < (p.lane, 0::smallint, $2) AND e.state = 'pending'
				AND e.kind IN ('message', 'outbound')
			ORDER BY e.lane DESC, e.class DESC, e.seq DESC LIMIT $3
		) e
		ORDER BY seq DESC LIMIT $3
	)
	` + recordColumns + `WHERE e.seq = ANY(ARRAY(SELECT seq FROM found)) AND e.received_at >= $4 ORDER BY e.seq DESC`

// Backlog implements store.Events.
func (s *Store) Backlog(ctx context.Context, name string, limit int) (int, error) {
	const count = `
		SELECT count(*) FROM (
			SELECT 1 FROM events
			WHERE lane = coalesce((SELECT n.person FROM names n WHERE n.name = $1), $1)
				AND class = 0 AND state = 'pending' AND kind = 'outbound'
			LIMIT $2
		) pending`

	var pending int

	err := s.read(ctx, func(_ context.Context, t *tx) error {
		t.query(count, func(rows pgx.Rows) error { return rows.Scan(&pending) }, sanitize(name), max(limit, 0))
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count the outbound messages of a conversation: %w", err)
	}

	return pending, nil
}

// History implements store.Events.
func (s *Store) History(ctx context.Context, name string, before int64, since time.Time, limit int) ([]store.Record, error) {
	if before <= 0 {
		before = math.MaxInt64
	}

	var found []store.Record

	err := s.read(ctx, func(ctx context.Context, t *tx) (err error) {
		found, err = t.answeredRecords(ctx, conversationHistory, name, before, max(limit, 0), since.UnixMilli())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the history of a conversation: %w", err)
	}

	return found, nil
}
