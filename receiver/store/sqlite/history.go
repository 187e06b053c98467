// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// The statements of a history. A sorted statement for all names of a person would read everything stored under each.
const (
	waitingHistory = recordColumns + `
		WHERE e.lane = ? AND e.class = 0 AND e.state = 'pending' AND e.kind IN ('message', 'outbound') AND e.seq < ?
		ORDER BY e.seq DESC LIMIT ?`
	finishedHistory = recordColumns + `
		WHERE e.lane = ? AND e.lane <> '' AND e.class = 0 AND e.state <> 'pending' AND e.kind IN ('message', 'outbound')
			AND e.emptied = 0 AND e.seq < ?
		ORDER BY e.seq DESC LIMIT ?`
)

// History implements store.Events.
func (s *Store) History(ctx context.Context, name string, before int64, since time.Time, limit int) ([]store.Record, error) {
	if before <= 0 {
		before = math.MaxInt64
	}

	limit = max(limit, 0)

	var found []store.Record

	err := s.read(ctx, func(c *conn) error {
		person, further, err := c.names(ctx, name)
		if err != nil {
			return err
		}

		// Pending events are stored under the name of the person's lane.
		if found, err = bareRecords(ctx, c, waitingHistory, person, before, int64(limit)); err != nil {
			return err
		}

		for _, name := range append(further, person) {
			finished, err := bareRecords(ctx, c, finishedHistory, name, before, int64(limit))
			if err != nil {
				return err
			}

			found = append(found, finished...)
		}

		slices.SortFunc(found, func(a, b store.Record) int { return cmp.Compare(b.Seq, a.Seq) })
		found = found[:min(len(found), limit)]
		found = slices.DeleteFunc(found, func(r store.Record) bool { return r.Event.ReceivedAt.Before(since) })

		for i := range found {
			if found[i].Replies, err = readReplies(ctx, c, found[i].Seq); err != nil {
				return err
			}
		}

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the history of a conversation: %w", err)
	}

	return found, nil
}

// Backlog implements store.Events.
func (s *Store) Backlog(ctx context.Context, name string, limit int) (int, error) {
	const backlog = `
		SELECT 1 FROM events
		WHERE lane = coalesce((SELECT person FROM names WHERE name = ?1), ?1) AND class = 0 AND state = 'pending' AND kind = 'outbound'
		LIMIT ?2`

	var pending int

	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, backlog, func(row) error {
			pending++
			return nil
		}, name, int64(max(limit, 0)))
	})
	if err != nil {
		return 0, fmt.Errorf("count the outbound messages of a conversation: %w", err)
	}

	return pending, nil
}

// names returns the name of the lane of the person with a name, and the person's further names.
func (c *conn) names(ctx context.Context, name string) (person string, further []string, err error) {
	err = c.query(ctx, "SELECT coalesce((SELECT person FROM names WHERE name = ?1), ?1)", func(r row) error {
		person = r.text(0)
		return nil
	}, name)
	if err != nil {
		return "", nil, err
	}

	err = c.query(ctx, "SELECT name FROM names WHERE person = ?", func(r row) error {
		further = append(further, r.text(0))
		return nil
	}, person)

	return person, further, err
}
