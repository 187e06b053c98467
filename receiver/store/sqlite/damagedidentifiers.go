// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"context"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// foundAroundDamage is foundBetween for a store with damaged pages. It reads fewer and fewer events at a time, until those that
// cannot be read are alone, and returns these as Unread.
func (c *conn) foundAroundDamage(
	ctx context.Context,
	identifiers *store.Identifiers,
	after int64,
	limit int,
) (found []store.FoundRecord, next int64, err error) {
	existing, last, err := c.seqs(ctx, after, after+store.SearchBudget)
	if err != nil {
		return nil, 0, err
	}

	end := min(after+store.SearchBudget, last)
	at := after

	for step := end - at; at < end && len(found) < limit; step *= 2 {
		to := min(at+max(step, 1), end)

		part, stopped, err := c.foundBetween(ctx, identifiers, at, to, limit-len(found))
		for ; isDamage(err) && to-at > 1; part, stopped, err = c.foundBetween(ctx, identifiers, at, to, limit-len(found)) {
			step = (to - at) / 2
			to = at + step
		}

		switch {
		case isDamage(err) && existing[to]:
			part = []store.FoundRecord{c.unreadRecord(ctx, to, err)}
		case err != nil && !isDamage(err):
			return nil, 0, err
		}

		found = append(found, part...)

		at = to
		if stopped > 0 {
			at = stopped
		}
	}

	if at >= last {
		return found, 0, nil
	}

	return found, at, nil
}

// seqs returns which events exist whose seq is greater than after and at most to, and the seq of the last event of all. It reads
// an index only.
func (c *conn) seqs(ctx context.Context, after, to int64) (existing map[int64]bool, last int64, err error) {
	existing = map[int64]bool{}

	err = c.query(ctx, "SELECT seq FROM events INDEXED BY sqlite_autoindex_events_1 WHERE +seq > ?", func(r row) error {
		seq := r.int(0)
		last = max(last, seq)

		if seq <= to {
			existing[seq] = true
		}

		return nil
	}, after)

	return existing, last, err
}

// unreadRecord returns as much of a damaged event as can be read: its lane may name the person.
func (c *conn) unreadRecord(ctx context.Context, seq int64, damage error) store.FoundRecord {
	found := store.FoundRecord{OnlyEncrypted: true, Unread: withDamage(damage)}
	found.Seq = seq

	// If this fails too, the event may be of anyone.
	_ = c.query(ctx, "SELECT id, kind, lane, phone_number_id FROM events WHERE seq = ?", func(r row) error {
		id, err := r.id(0)
		if err != nil {
			return err
		}

		found.Event = store.Event{
			ID:            id,
			Kind:          store.Kind(r.text(1)),
			Lane:          r.text(2),
			PhoneNumberID: r.text(3),
		}

		return nil
	}, seq)

	return found
}
