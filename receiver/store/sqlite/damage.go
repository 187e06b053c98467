// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxUnreadable limits the lanes of which not even the row can be written.
	maxUnreadable = 10_000
	// leasedForever is the end of the lease of a damaged lane, in milliseconds: 9999-12-31.
	leasedForever = 253402300799000
)

// errAltered means that a value was changed on the disk in a way that SQLite does not see.
var errAltered = errors.New("the file is damaged: the id of an event has another length")

// isDamage reports whether SQLite could not read a page or read an inconsistent one, or a value was changed there.
func isDamage(err error) bool {
	if errors.Is(err, errAltered) {
		return true
	}

	failed, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}

	switch code := failed.Code(); code {
	case sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA:
		return true
	default:
		return code&0xff == sqlite3.SQLITE_CORRUPT
	}
}

// withDamage adds [store.ErrDamaged] to the error of a call that met damage.
func withDamage(err error) error {
	if isDamage(err) {
		return fmt.Errorf("%w: %w", store.ErrDamaged, err)
	}

	return err
}

// laneKey identifies a lane.
type laneKey struct {
	class store.Class
	name  string
}

// unreadable holds the lanes whose row is damaged itself, so that it cannot say that the lane is set aside.
type unreadable struct {
	mu    sync.Mutex
	lanes map[laneKey]bool
}

func (u *unreadable) add(key laneKey) {
	u.mu.Lock()
	defer u.mu.Unlock()

	if u.lanes == nil {
		u.lanes = map[laneKey]bool{}
	}

	if len(u.lanes) < maxUnreadable {
		u.lanes[key] = true
	}
}

func (u *unreadable) has(key laneKey) bool {
	u.mu.Lock()
	defer u.mu.Unlock()

	return u.lanes[key]
}

func (u *unreadable) count() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()

	return int64(len(u.lanes))
}

// claimSingly leases lanes one at a time after damage failed the claim of all. It marks the damaged lanes. The query uses an
// index only, so it finds lanes whose rows cannot be read.
func (s *Store) claimSingly(
	ctx context.Context, class store.Class, now, until time.Time, where string, limit int, args []driver.Value,
) ([]store.Lease, error) {
	var names []string

	err := s.writer.do(ctx, func(t *tx) error {
		names = nil

		return t.query("SELECT lane FROM conversations "+where, func(r row) error {
			names = append(names, r.text(0))
			return nil
		}, append(args, int64(limit)+s.unreadable.count())...)
	})
	if err != nil {
		return nil, err
	}

	var leases []store.Lease

	for _, name := range names {
		key := laneKey{class: class, name: name}
		if len(leases) >= limit || s.unreadable.has(key) {
			continue
		}

		lease, err := s.claimLane(ctx, key, now, until)

		switch {
		case isDamage(err):
			err = s.markDamagedLane(ctx, key, err)
		case lease != nil:
			leases = append(leases, *lease)
		}

		if err != nil {
			return leases, err
		}
	}

	return leases, nil
}

func (s *Store) claimLane(ctx context.Context, key laneKey, now, until time.Time) (lease *store.Lease, err error) {
	err = s.writer.do(ctx, func(t *tx) error {
		found, err := t.lanes(key.class, laneColumns+"WHERE lane = ? AND class = ?", key.name, int64(key.class))
		if err != nil || len(found) == 0 {
			return err
		}

		lease, err = t.claim(&found[0], now, until)

		return err
	})

	return lease, err
}

// markDamagedLane keeps a damaged lane leased until the next start, so it is not claimed and new events do not wake it. If the
// row cannot be written either, the disk has failed, and it marks nothing.
func (s *Store) markDamagedLane(ctx context.Context, key laneKey, damage error) error {
	at := s.writer.clock.Now().UnixMilli()

	record := func(t *tx) error {
		_, err := t.exec("INSERT OR REPLACE INTO damaged (lane, class, at, error) VALUES (?, ?, ?, ?)",
			key.name, int64(key.class), at, damage.Error())

		return err
	}

	err := s.writer.do(ctx, func(t *tx) error {
		_, err := t.exec(`
			UPDATE conversations SET ready_at = ?, set_at = ?, token = ?, waits_for = NULL WHERE lane = ? AND class = ?`,
			int64(leasedForever), at, rand.Int64(), key.name, int64(key.class)) //nolint:gosec // a token is unique, not secret
		if err != nil {
			return err
		}

		return record(t)
	})
	if !isDamage(err) {
		return err
	}

	if err := s.writer.do(ctx, record); err != nil {
		return err
	}

	s.unreadable.add(key)

	return nil
}

// requeue ends the lease on a lane whose next event is damaged, so that the step before it is recorded and the next claim
// sets the lane aside.
func (t *tx) requeue(lease store.LeaseRef, now time.Time) error {
	_, err := t.exec(`
		UPDATE conversations SET ready_at = ?1, set_at = ?1, token = NULL, head = NULL, starts = 0 WHERE lane = ?2 AND class = ?3`,
		now.UnixMilli(), lease.Lane, int64(lease.Class))

	return err
}

// clearDamage clears the damage marks at the start, so all lanes and events are tried again.
func clearDamage(t *tx) error {
	_, err := t.exec("DELETE FROM damaged")
	return err
}

// endLeasesSingly is [endLeases] for a store in which the row of a lane cannot be read. It finds the lanes by the index only, as
// far as that can be read. A lane that cannot be read or written stays leased until its lease expires, and is left to the next claim
// then. SQLite refuses writes in a transaction that met damage, so the rows are read outside of it.
func endLeasesSingly(ctx context.Context, path string, w *writer) (err error) {
	c, err := connect(ctx, dsn(path, reading))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()

	var all, leased []laneKey

	err = c.query(ctx, `
		SELECT lane, class FROM conversations INDEXED BY conversations_ready WHERE class IN (0, 1, 2) AND ready_at IS NOT NULL`,
		func(r row) error {
			all = append(all, laneKey{class: r.class(1), name: r.text(0)})
			return nil
		})
	if err != nil && !isDamage(err) {
		return err
	}

	for _, key := range all {
		err := c.query(ctx, "SELECT lane FROM conversations WHERE lane = ? AND class = ? AND token IS NOT NULL",
			func(row) error { leased = append(leased, key); return nil }, key.name, int64(key.class))
		if err != nil && !isDamage(err) {
			return err
		}
	}

	for _, key := range leased {
		err := w.do(ctx, func(t *tx) error {
			_, err := t.exec("UPDATE conversations SET ready_at = 0, set_at = 0, token = NULL WHERE lane = ? AND class = ?",
				key.name, int64(key.class))

			return err
		})
		if err != nil && !isDamage(err) {
			return err
		}
	}

	return ignoreDamage(w.do(ctx, endLeaderships)) // they expire too
}

// advanceWithoutNext records a step without reading the next event of the lane, which is damaged. If the step cannot be
// recorded either, it marks the lane.
func (s *Store) advanceWithoutNext(ctx context.Context, lease store.LeaseRef, event store.ID, step store.Step) error {
	err := s.writer.do(ctx, func(t *tx) error {
		t.blind = true
		_, err := t.advance(lease, event, step)

		return err
	})
	if isDamage(err) {
		return errors.Join(err, s.markDamagedLane(ctx, laneKey{class: lease.Class, name: lease.Lane}, err))
	}

	return err
}
