// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// purgeSingly purges finished events one at a time, and marks the damaged ones until the next start. It returns the number of
// purged and marked events.
func (s *Store) purgeSingly(ctx context.Context, p eventPurge, before time.Time, limit int) (n int, err error) {
	var (
		found []int64
		aside int64
	)

	err = s.writer.do(ctx, func(t *tx) (err error) {
		if found, err = t.ended(p, before, limit); err != nil {
			return err
		}

		return t.query("SELECT count(*) FROM damaged WHERE class = ?", func(r row) error { aside = r.int(0); return nil }, int64(store.NoClass))
	})
	if err != nil {
		return 0, err
	}

	for _, seq := range found {
		_, err := s.purge(ctx, func(t *tx) (int, error) { return 1, t.purgeEvent(p, seq) })
		if isDamage(err) && aside < maxUnreadable {
			aside++
			err = s.purgeInPlace(ctx, p, seq, err)
		}

		if err != nil {
			return n, err
		}

		n++
	}

	return n, nil
}

// purgeInPlace removes at least the payload of an event after damage failed its purge: SQLite may have merged the page of the
// event with a damaged one. If that fails too, or if the event should be deleted, it marks the event.
func (s *Store) purgeInPlace(ctx context.Context, p eventPurge, seq int64, damage error) error {
	_, err := s.purge(ctx, func(t *tx) (int, error) { return 1, t.purgeEvent(emptyingInPlace, seq) })
	if err != nil && !isDamage(err) || err == nil && !p.deletes {
		return err
	}

	return s.markDamagedEvent(ctx, seq, damage)
}

// markDamagedEvent excludes a damaged event from purges until the next start. The table of damaged lanes holds its seq as the
// lane, with NoClass.
func (s *Store) markDamagedEvent(ctx context.Context, seq int64, damage error) error {
	return s.writer.do(ctx, func(t *tx) error {
		_, err := t.exec("INSERT OR REPLACE INTO damaged (lane, class, at, error) VALUES (?, ?, ?, ?)",
			strconv.FormatInt(seq, 10), int64(store.NoClass), s.writer.clock.Now().UnixMilli(), damage.Error())

		return err
	})
}
