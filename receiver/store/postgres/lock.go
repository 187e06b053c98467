// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxLooks bounds how often rows are locked anew because other people turned out to be needed.
const maxLooks = 10

// laneKey names a row of conversations.
type laneKey struct {
	lane  string
	class store.Class
}

// conversation is the key of the row in which a person is known by a name.
func conversation(name string) laneKey { return laneKey{lane: name} }

// needs are the rows of conversations that a transaction is going to change.
type needs struct {
	rows  map[laneKey]need
	pairs [][2]string     // names that are to be one person's; the first has a row that is needed
	names map[string]bool // the second of each: its row is made, and locked unless they are one person's already
}

// need is what is needed besides the lock of a row that is there.
type need struct {
	made   bool // where it is not there
	person bool // the row with the state of the person too
}

func newNeeds() *needs { return &needs{rows: map[laneKey]need{}, names: map[string]bool{}} }

func (n *needs) lane(key laneKey, of need) {
	have := n.rows[key]
	n.rows[key] = need{made: have.made || of.made, person: have.person || of.person}
}

// open asks for the row of a lane, made where it is not there, and for the state of the person whose conversation it is.
func (n *needs) open(key laneKey) {
	n.lane(key, need{made: true, person: key.class == store.Conversations})
}

func (n *needs) join(name, other string) {
	if name != "" && other != "" && name != other {
		n.open(conversation(name))
		n.pairs = append(n.pairs, [2]string{name, other})
		n.names[other] = true
	}
}

// also asks for names that others have led to.
func (n *needs) also(names []string) {
	for _, name := range names {
		n.lane(conversation(name), need{})
	}
}

// lock makes the rows that are needed and locks them, in the order of their keys, as every transaction does: so none
// waits for another that waits for it. Which further names of people are needed shows only then; they are locked without
// waiting, and where one is held, all locks are given back and all is locked anew. The statements that others queues come
// after the first locks.
func (t *tx) lock(ctx context.Context, n *needs, others func()) (*lanes, error) {
	for look := range maxLooks {
		if look > 0 {
			t.again()
		}

		l := &lanes{
			rows:  map[laneKey]*lane{},
			made:  map[laneKey]bool{},
			seen:  map[string]string{},
			apart: map[[2]string]bool{},
		}
		t.makeRows(n, l)
		t.lockRows(l, slices.Collect(maps.Keys(n.rows)), "")
		t.look(n, l)
		others()

		if err := t.flush(ctx); err != nil {
			return nil, err
		}

		complete, err := t.lockPeople(ctx, n, l)
		if err != nil || complete {
			return l, err
		}
	}

	return nil, errors.New("the names of a person kept changing")
}

// lockPeople locks the rows of people that the locked ones lead to, and says whether all is locked that is needed.
func (t *tx) lockPeople(ctx context.Context, n *needs, l *lanes) (bool, error) {
	if complete, err := t.lockMore(ctx, n, l, l.leadTo(n)); err != nil || !complete {
		return false, err
	}

	if !l.complete(n) {
		n.also(l.leadTo(n))
		return false, nil
	}

	var people []string
	for _, pair := range n.pairs {
		if l.rows[conversation(pair[1])] == nil {
			continue // they are one person's
		}

		a := l.person(pair[0])

		b := l.person(pair[1])
		if a == b {
			continue
		}

		l.apart[pair] = true
		for _, row := range [...]*lane{a, b} {
			if !l.made[row.laneKey] {
				people = append(people, row.lane)
			}
		}
	}

	if len(people) == 0 {
		return true, nil
	}
	// Nobody can give a further name to people who are locked.
	members := t.members(people)
	if err := t.flush(ctx); err != nil {
		return false, err
	}

	return t.lockMore(ctx, n, l, slices.Collect(maps.Keys(members)))
}

// lockMore locks further names where that needs no waiting, and says whether it could.
func (t *tx) lockMore(ctx context.Context, n *needs, l *lanes, names []string) (bool, error) {
	var keys []laneKey
	for _, name := range names {
		if key := conversation(name); l.rows[key] == nil {
			keys = append(keys, key)
		}
	}

	if len(keys) == 0 {
		return true, nil
	}

	t.lockRows(l, keys, "SKIP LOCKED")

	if err := t.flush(ctx); err != nil {
		return false, err
	}

	if slices.ContainsFunc(names, func(name string) bool { return l.rows[conversation(name)] == nil }) {
		n.also(names)
		return false, nil
	}

	return true, nil
}

// members queues a look at the further names of people.
func (t *tx) members(people []string) map[string]bool {
	found := map[string]bool{}
	t.query("SELECT lane FROM conversations WHERE person = ANY($1)", func(rows pgx.Rows) error {
		var name string

		err := rows.Scan(&name)
		found[name] = true

		return err
	}, people)

	return found
}

// makeRows queues the making of needed rows that are not there. Those that are then not used are removed.
func (t *tx) makeRows(n *needs, l *lanes) {
	keys := make([]laneKey, 0, len(n.rows)+len(n.names))
	for key, of := range n.rows {
		if of.made {
			keys = append(keys, key)
		}
	}

	for name := range n.names {
		keys = append(keys, conversation(name))
	}

	if len(keys) == 0 {
		return
	}

	names, classes := columns(keys)
	t.query(`
		INSERT INTO conversations (lane, class) SELECT * FROM unnest($1::text[], $2::smallint[])
		ON CONFLICT (lane, class) DO NOTHING RETURNING lane, class`,
		func(rows pgx.Rows) error {
			var key laneKey

			err := rows.Scan(&key.lane, (*int16)(&key.class))
			l.made[key] = true

			return err
		}, names, classes)
}

const laneColumns = "c.lane, c.class, c.ready_at, c.token, c.head, c.starts, coalesce(c.person, ''), c.last_inbound_at, c.human_until, c.template_required"

// lockRows queues the lock of rows that are there. Each is looked up by itself, in the order of the keys.
func (t *tx) lockRows(l *lanes, keys []laneKey, waiting string) {
	names, classes := columns(keys)
	t.query(`
		SELECT `+laneColumns+` FROM unnest($1::text[], $2::smallint[]) k (lane, class)
		CROSS JOIN LATERAL (SELECT * FROM conversations c WHERE c.lane = k.lane AND c.class = k.class FOR UPDATE `+waiting+`) c`,
		func(rows pgx.Rows) error {
			row, err := scanLane(rows)
			l.rows[row.laneKey] = row

			return err
		}, names, classes)
}

// look queues a look at the names to be joined. Only those that the transaction has made are locked.
func (t *tx) look(n *needs, l *lanes) {
	if len(n.names) == 0 {
		return
	}

	t.query(`
		SELECT `+laneColumns+` FROM unnest($1::text[]) k (lane)
		CROSS JOIN LATERAL (SELECT * FROM conversations c WHERE c.lane = k.lane AND c.class = 0 OFFSET 0) c`,
		func(rows pgx.Rows) error {
			row, err := scanLane(rows)
			if l.seen[row.lane] = row.person; l.made[row.laneKey] {
				l.rows[row.laneKey] = row
			}

			return err
		}, slices.Collect(maps.Keys(n.names)))
}

// columns sorts keys and takes them apart.
func columns(keys []laneKey) (names []string, classes []int16) {
	slices.SortFunc(keys, func(a, b laneKey) int {
		return cmp.Or(cmp.Compare(a.lane, b.lane), cmp.Compare(a.class, b.class))
	})
	keys = slices.Compact(keys)
	names = make([]string, len(keys))

	classes = make([]int16, len(keys))
	for i, key := range keys {
		names[i] = key.lane
		classes[i] = int16(key.class)
	}

	return names, classes
}
