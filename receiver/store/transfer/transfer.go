// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package transfer moves all that a store holds from one engine to another, row by row. Every event keeps its number, so the
// order of each lane stays; values stay as they are stored, encrypted or not.
//
// The receivers of both stores are stopped meanwhile: a source and a target lock the store against receivers.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxRows and maxBytes limit the rows in memory, besides the payload of one event.
	maxRows  = 1000
	maxBytes = 4 << 20
	// batchTime and commitTime are how long a batch, and the commit, may take. A database that does not answer ends the move.
	batchTime  = 5 * time.Minute
	commitTime = time.Hour
)

var (
	// ErrNotEmpty means that a target holds events or conversations.
	ErrNotEmpty = errors.New("the target is not empty: it holds events or conversations, which a move would mix with others")
	// ErrInUse means that a receiver works on a store.
	ErrInUse = errors.New("a receiver works on the store")
	// ErrUnknown means that the commit of a move failed, so the target may contain everything or nothing.
	ErrUnknown = errors.New("it is not known whether the move was completed")

	errStalled = errors.New("the disk or the database did not answer in time")
)

// Source is a stopped store, of which only one snapshot is read.
type Source interface {
	// Rows calls each for every row of a table, in the order of its key. Each row is a separate slice.
	Rows(ctx context.Context, table *Table, each func(row []any) error) error
}

// Target is an empty store with a current schema. It stays empty for others until Commit.
type Target interface {
	// Add adds rows to a table.
	Add(ctx context.Context, table *Table, rows [][]any) error
	// Commit makes the rows durable and visible, with the figures of the events and the number of the last one, which is 0
	// without events. After an error either all of them are, or none.
	Commit(ctx context.Context, figures store.Tally, last int64) error
}

// Moved is the number of rows of a table that were moved.
type Moved struct {
	Table string
	Rows  int64
}

// Run moves everything, and calls progress after each table. If it fails, the target is still empty, and the move can begin
// again; with [ErrUnknown] the target may also hold everything, and a second move finds [ErrNotEmpty] then. The source is not
// changed.
func Run(ctx context.Context, from Source, to Target, clock clockwork.Clock, progress func(Moved)) ([]Moved, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	m := &mover{
		from:     from,
		to:       to,
		watchdog: clock.AfterFunc(batchTime, func() { cancel(errStalled) }),
	}
	defer m.watchdog.Stop()

	var moved []Moved

	for _, table := range Tables {
		rows, err := m.move(ctx, table)
		if err != nil {
			return nil, fmt.Errorf("move the table %s: %w", table.Name, cause(ctx, err))
		}

		moved = append(moved, Moved{Table: table.Name, Rows: rows})
		progress(moved[len(moved)-1])
	}

	m.watchdog.Reset(commitTime)

	if err := to.Commit(ctx, m.figures, m.last); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, cause(ctx, err))
	}

	return moved, nil
}

// cause returns why the move was ended, which explains an error.
func cause(ctx context.Context, err error) error {
	if stalled := context.Cause(ctx); errors.Is(stalled, errStalled) {
		return stalled
	}

	return err
}

type mover struct {
	from     Source
	to       Target
	watchdog clockwork.Timer

	figures store.Tally
	last    int64 // number of the last event
	batch   [][]any
	bytes   int
}

func (m *mover) move(ctx context.Context, table *Table) (rows int64, err error) {
	err = m.from.Rows(ctx, table, func(row []any) error {
		if len(row) != len(table.Columns) {
			return fmt.Errorf("a row has %d values, want %d", len(row), len(table.Columns))
		}

		switch table {
		case events:
			m.count(row)
		case conversations:
			endLease(row)
		case pauses:
			if isProblem(row) { // the next call finds out whether it still is one
				return nil
			}
		}

		rows++

		m.batch = append(m.batch, row)
		m.bytes += size(row)

		if len(m.batch) < maxRows && m.bytes < maxBytes {
			return nil
		}

		return m.flush(ctx, table)
	})
	if err != nil {
		return 0, err
	}

	return rows, m.flush(ctx, table)
}

func (m *mover) flush(ctx context.Context, table *Table) error {
	if len(m.batch) > 0 {
		if err := m.to.Add(ctx, table, m.batch); err != nil {
			return err
		}
	}

	m.watchdog.Reset(batchTime)

	m.batch = slices.Delete(m.batch, 0, len(m.batch))
	m.bytes = 0

	return ctx.Err()
}

var (
	eventSeq, eventClass, eventState  = events.column("seq"), events.column("class"), events.column("state")
	laneReadyAt, laneSetAt, laneToken = conversations.column("ready_at"), conversations.column("set_at"), conversations.column("token")
	pauseScope                        = pauses.column("scope")
)

func (m *mover) count(event []any) {
	seq, _ := event[eventSeq].(int64)
	class, _ := event[eventClass].(int64)
	state, _ := event[eventState].(string)

	m.last = max(m.last, seq)
	m.figures.Move(store.Class(class), "", store.State(state)) //nolint:gosec // a class was written there
}

// endLease makes a leased lane due at once: its holder is dead.
func endLease(conversation []any) {
	if conversation[laneToken] != nil && conversation[laneReadyAt] != nil {
		conversation[laneReadyAt] = int64(0)
		conversation[laneSetAt] = int64(0)
	}

	conversation[laneToken] = nil
}

// isProblem reports whether a row of pauses is a problem that the receivers of the source shared.
func isProblem(pause []any) bool {
	scope, _ := pause[pauseScope].(string)

	return strings.HasPrefix(scope, store.ProblemPrefix)
}

func size(row []any) int {
	n := 0

	for _, value := range row {
		switch v := value.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}

	return n
}
