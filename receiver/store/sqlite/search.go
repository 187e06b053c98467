// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// The statements of a search return the events before a seq, the newest first, and whether each matches. Events that were
// not answered are read from an index that has all columns but the lane, so a search for a conversation reads the table,
// unless few events have the code. searchAll reads no column after the payload, which may be long.
const (
	matches = `
		(?2 = '' OR kind = ?2) AND (?3 IS NULL OR type = ?3) AND (?4 = '' OR instr(?4, ',' || state || ','))
			AND (?5 IS NULL OR phone_number_id = ?5) AND received_at > ?6 AND received_at < ?7`
	inLanes   = " AND (?8 = '' OR lane IN (SELECT value FROM json_each(?8)))"
	searchAll = "SELECT seq, received_at," + matches + inLanes + `
		FROM events WHERE seq < ?1 ORDER BY seq DESC LIMIT ?9`
	searchReplayable = "SELECT seq, received_at," + matches + " AND (?10 IS NULL OR code = ?10)" + inLanes + `
		FROM events INDEXED BY events_replayable WHERE ` + replayable + ` AND seq < ?1 ORDER BY seq DESC LIMIT ?9`

	searchJob = "SELECT seq, received_at," + matches + " AND (?10 IS NULL OR code = ?10 AND " + replayable + ")" + inLanes + `
		FROM events INDEXED BY events_replayed WHERE replay_job = ?11 AND seq < ?1 ORDER BY seq DESC LIMIT ?9`

	// foundColumns are recordColumns without the long ones.
	foundColumns = `
		SELECT e.seq, e.id, e.kind, e.type, e.state, e.lane, e.phone_number_id, e.received_at, e.finished_at, e.attempts,
			NULL, c.starts, e.class, e.replays, e.binds OR e.bound_to IS NOT NULL, NULL
		FROM events e LEFT JOIN conversations c ON c.lane = e.lane AND c.class = e.class AND c.head = e.seq WHERE e.seq = ?`
)

// errEnough ends a query early.
var errEnough = errors.New("enough rows")

// Search implements store.Events.
func (s *Store) Search(ctx context.Context, search store.Search, before int64, limit int) (store.Page, error) {
	var page store.Page

	err := s.read(ctx, func(c *conn) (err error) {
		page, err = c.search(ctx, search, before, max(limit, 0))
		return err
	})
	if err != nil {
		return store.Page{}, fmt.Errorf("search events: %w", err)
	}

	return page, nil
}

func (c *conn) search(ctx context.Context, search store.Search, before int64, limit int) (store.Page, error) {
	page := store.Page{}

	if before <= 0 {
		before = math.MaxInt64
	}

	args, err := c.searches(ctx, &search, before)
	if err != nil {
		return page, err
	}

	sql, further := searchQuery(&search)
	args = append(args, further...)

	var found []int64

	looked := 0

	err = c.query(ctx, sql, func(r row) error {
		if looked == search.Looks() || len(found) == limit {
			page.More = true
			return errEnough
		}

		looked++
		page.SearchedTo = r.int(0)
		page.SearchedAt = r.time(1)

		if r.int(2) != 0 {
			found = append(found, r.int(0))
		}

		return nil
	}, args...)
	if err != nil && !errors.Is(err, errEnough) {
		return page, err
	}

	page.Records, err = foundRecords(ctx, c, found)

	return page, err
}

// searchQuery returns the query of a search, and its arguments beside those of all searches.
func searchQuery(search *store.Search) (sql string, further []driver.Value) {
	switch {
	case search.Job != "":
		return searchJob, []driver.Value{wanted(search.Code), search.Job}
	case search.Unanswered() && (search.Conversation == "" || search.Code != ""):
		return searchReplayable, []driver.Value{wanted(search.Code)}
	default:
		return searchAll, nil
	}
}

// foundRecords returns the events that a search found, with their failures.
func foundRecords(ctx context.Context, c *conn, seqs []int64) ([]store.Record, error) {
	var found []store.Record

	for _, seq := range seqs {
		records, err := bareRecords(ctx, c, foundColumns, seq)
		if err != nil {
			return found, err
		}

		for i := range records {
			if records[i].Failures, err = readFailures(ctx, c, seq); err != nil {
				return found, err
			}
		}

		found = append(found, records...)
	}

	return found, nil
}

// JobStates implements store.Events.
func (s *Store) JobStates(ctx context.Context, job string) (map[store.State]int64, error) {
	states := map[store.State]int64{}

	err := s.read(ctx, func(c *conn) error {
		clear(states)

		return c.query(ctx, "SELECT state FROM events INDEXED BY events_replayed WHERE replay_job = ?", func(r row) error {
			states[store.State(r.text(0))]++
			return nil
		}, job)
	})
	if err != nil {
		return nil, fmt.Errorf("count the events of a replay: %w", err)
	}

	return states, nil
}

// searches returns the arguments of searchAll.
func (c *conn) searches(ctx context.Context, search *store.Search, before int64) ([]driver.Value, error) {
	var states strings.Builder
	for _, state := range search.States {
		states.WriteString("," + string(state) + ",")
	}

	lanes := ""

	if search.Conversation != "" {
		person, further, err := c.names(ctx, search.Conversation)
		if err != nil {
			return nil, err
		}

		encoded, err := json.Marshal(append(further, person))
		if err != nil {
			return nil, err
		}

		lanes = string(encoded)
	}

	return []driver.Value{
		before, string(search.Kind), wanted(search.Type), states.String(), wanted(search.PhoneNumberID),
		bound(search.ReceivedAfter, math.MinInt64), bound(search.ReceivedBefore, math.MaxInt64), lanes,
		int64(search.Looks()) + 1,
	}, nil
}
