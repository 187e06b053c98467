// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// replayable is the condition of the index events_replayable.
const replayable = "(state = 'dead' OR state = 'quarantined' OR state = 'human' OR state = 'expired')"

// processable is the condition that an event can be processed again: it was stored with a lane and a class, and still has
// its payload.
const processable = "lane != '' AND class != 3 AND emptied = 0"

// selected finds the events of a selection by the index, which has all its columns. The arguments are those of selects.
const selected = `
	FROM events INDEXED BY events_replayable
	WHERE ` + replayable + ` AND seq > ?1 AND seq <= ?2 AND instr(?3, ',' || state || ',')
		AND (?4 = '' OR kind = ?4) AND (?5 IS NULL OR type = ?5) AND (?6 IS NULL OR phone_number_id = ?6) AND (?7 IS NULL OR code = ?7)
		AND received_at > ?8 AND received_at < ?9 `

// selects returns the arguments of selected, for the events after a seq.
func selects(s *store.Selection, after int64) []driver.Value {
	const most = 1<<63 - 1

	var states strings.Builder
	for _, state := range s.States {
		states.WriteString("," + string(state) + ",")
	}

	return []driver.Value{
		after, cmp.Or(s.LastSeq, most), states.String(), string(s.Kind), wanted(s.Type), wanted(s.PhoneNumberID), wanted(s.Code),
		bound(s.ReceivedAfter, -most), bound(s.ReceivedBefore, most),
	}
}

// wanted returns what a column has to be to match a field of a selection: NULL if all match.
func wanted(field string) driver.Value {
	if value, ok := store.Wanted(field); ok {
		return value
	}

	return nil
}

// bound returns a time in milliseconds, or a default for the zero time.
func bound(t time.Time, none int64) int64 {
	if t.IsZero() {
		return none
	}

	return t.UnixMilli()
}

// DeadLetters implements store.DeadLetterQueue.
func (s *Store) DeadLetters(ctx context.Context, selection store.Selection, after int64, limit int) ([]store.Record, error) {
	if err := selection.Validate(); err != nil {
		return nil, fmt.Errorf("list events that can be replayed: %w", err)
	}

	var found []store.Record

	err := s.read(ctx, func(c *conn) (err error) {
		found, err = records(ctx, c, recordColumns+"WHERE e.seq IN (SELECT seq"+selected+"ORDER BY seq LIMIT ?10) ORDER BY e.seq",
			append(selects(&selection, after), int64(max(limit, 0)))...)

		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list events that can be replayed: %w", err)
	}

	return found, nil
}

// group is a cause with the seq of its sample.
type group struct {
	store.Cause
	sample int64
}

// Causes implements store.DeadLetterQueue.
func (s *Store) Causes(ctx context.Context, selection store.Selection) ([]store.Cause, error) {
	if err := selection.Validate(); err != nil {
		return nil, fmt.Errorf("group events that can be replayed: %w", err)
	}

	var causes []store.Cause

	err := s.read(ctx, func(c *conn) error {
		groups, err := readGroups(ctx, c, &selection)
		if err != nil {
			return err
		}

		for _, g := range groups {
			err := c.query(ctx, "SELECT id FROM events WHERE seq = ?",
				func(r row) (err error) { g.Sample, err = r.id(0); return err }, g.sample)
			if err != nil {
				return err
			}

			causes = append(causes, g.Cause)
		}

		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("group events that can be replayed: %w", err)
	}

	return causes, nil
}

// readGroups returns the groups of a selection, the largest first.
func readGroups(ctx context.Context, c *conn, selection *store.Selection) ([]*group, error) {
	type key struct{ state, phoneNumberID, code string }

	byKey := map[key]*group{}

	err := c.query(ctx, "SELECT seq, state, phone_number_id, code, received_at"+selected, func(r row) error {
		k := key{
			state:         r.text(1),
			phoneNumberID: r.text(2),
			code:          r.text(3),
		}
		received := r.time(4)

		g := byKey[k]
		if g == nil {
			g = &group{Cause: store.Cause{
				State:         store.State(k.state),
				PhoneNumberID: k.phoneNumberID,
				Code:          k.code,
				First:         received,
			}}
			byKey[k] = g
		}

		g.Count++
		if received.Before(g.First) {
			g.First = received
		}

		if received.After(g.Last) {
			g.Last = received
		}

		g.sample = r.int(0)

		return nil
	}, selects(selection, 0)...)
	if err != nil {
		return nil, err
	}

	groups := make([]*group, 0, len(byKey))
	for _, g := range byKey {
		groups = append(groups, g)
	}

	slices.SortFunc(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(string(a.State), string(b.State)),
			strings.Compare(a.PhoneNumberID, b.PhoneNumberID), strings.Compare(a.Code, b.Code))
	})

	return groups[:min(len(groups), store.MaxCauses)], nil
}

// ReplaySelected implements store.DeadLetterQueue.
func (s *Store) ReplaySelected(
	ctx context.Context, selection store.Selection, after int64, now time.Time, limit int,
) (n int, next int64, err error) {
	n, next, err = s.eachSelected(ctx, &selection, after, limit, "AND "+processable+" ", func(t *tx, seq int64, _ store.State) (int, error) {
		return t.replay(seq, now.UnixMilli(), selection.Job)
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
	n, next, err = s.eachSelected(ctx, &selection, after, limit, "", func(t *tx, seq int64, state store.State) (int, error) {
		return 1, t.discard(seq, state, now.UnixMilli())
	})
	if err != nil {
		return 0, 0, fmt.Errorf("discard selected events: %w", err)
	}

	return n, next, nil
}

// eachSelected changes up to limit events of a selection that meet a further condition and that its job has not replayed, in
// one transaction. It returns the number of changed events, as the function counts them, and the seq to continue after, or 0 at
// the end.
func (s *Store) eachSelected(
	ctx context.Context, selection *store.Selection, after int64, limit int, condition string,
	change func(t *tx, seq int64, state store.State) (int, error),
) (n int, next int64, err error) {
	if err := selection.Validate(); err != nil {
		return 0, 0, err
	}

	type event struct {
		seq   int64
		state store.State
	}

	limit = max(limit, 1)

	err = s.writer.do(ctx, func(t *tx) error {
		n = 0
		next = 0

		var found []event

		err := t.query("SELECT seq, state"+selected+condition+"AND replay_job IS NOT ?11 ORDER BY seq LIMIT ?10", func(r row) error {
			found = append(found, event{seq: r.int(0), state: store.State(r.text(1))})

			return nil
		}, append(selects(selection, after), int64(limit)+1, selection.Job)...)
		if err != nil {
			return err
		}

		if len(found) > limit {
			found = found[:limit]
			next = found[limit-1].seq
		}

		for _, e := range found {
			changed, err := change(t, e.seq, e.state)
			if err != nil {
				return err
			}

			n += changed
		}

		return nil
	})

	return n, next, err
}
