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

// maxLockAttempts limits how often a transaction restarts because it needs the rows of further persons.
const maxLockAttempts = 10

// laneKey is the key of a row of conversations.
type laneKey struct {
	lane  string
	class store.Class
}

// conversation returns the key of the row of a person's name.
func conversation(name string) laneKey { return laneKey{lane: name} }

// lockSet is the set of rows of conversations that a transaction is going to change.
type lockSet struct {
	rows  map[laneKey]rowLock
	pairs [][2]string     // the names to join; the row of the first is in rows
	names map[string]bool // the second name of each pair: its row is created if missing, and locked unless both already belong to one person
}

// rowLock is how a row is locked.
type rowLock struct {
	create bool // create the row if it is missing
	person bool // lock the row that holds the state of the person too
}

func newLockSet() *lockSet { return &lockSet{rows: map[laneKey]rowLock{}, names: map[string]bool{}} }

func (set *lockSet) add(key laneKey, of rowLock) {
	have := set.rows[key]
	set.rows[key] = rowLock{create: have.create || of.create, person: have.person || of.person}
}

// addLane adds the row of a lane, which is created if missing. For a conversation it adds the row with the person's
// state.
func (set *lockSet) addLane(key laneKey) {
	set.add(key, rowLock{create: true, person: key.class == store.Conversations})
}

func (set *lockSet) addJoin(name, other string) {
	if name != "" && other != "" && name != other {
		set.addLane(conversation(name))
		set.pairs = append(set.pairs, [2]string{name, other})
		set.names[other] = true
	}
}

// include adds names that locked rows reference.
func (set *lockSet) include(names []string) {
	for _, name := range names {
		set.add(conversation(name), rowLock{})
	}
}

// lock creates missing rows of the set and locks all of them in the order of their keys. Every transaction uses this
// order, so they do not deadlock.
//
// Only locked rows reveal which further names are needed. Those are locked without waiting; if another transaction
// holds one, all locks are released and the transaction restarts with the larger set. The statements that queueMore
// queues run after the first locks.
func (t *tx) lock(ctx context.Context, set *lockSet, queueMore func()) (*lanes, error) {
	for attempt := range maxLockAttempts {
		if attempt > 0 {
			t.restart()
		}

		l := &lanes{
			rows:     map[laneKey]*lane{},
			created:  map[laneKey]bool{},
			aliases:  map[string]string{},
			distinct: map[[2]string]bool{},
		}
		t.createRows(set, l)
		t.lockRows(l, slices.Collect(maps.Keys(set.rows)), "")
		t.readAliases(set, l)
		queueMore()

		if err := t.flush(ctx); err != nil {
			return nil, err
		}

		complete, err := t.lockPeople(ctx, set, l)
		if err != nil || complete {
			return l, err
		}
	}

	return nil, errors.New("the names of a person changed during every attempt to lock them")
}

// lockPeople locks the rows of persons that the locked rows reference, and reports whether everything needed is locked.
func (t *tx) lockPeople(ctx context.Context, set *lockSet, l *lanes) (bool, error) {
	if complete, err := t.tryLockRows(ctx, set, l, l.referencedNames(set)); err != nil || !complete {
		return false, err
	}

	if !l.isComplete(set) {
		set.include(l.referencedNames(set))
		return false, nil
	}

	var people []string
	for _, pair := range set.pairs {
		if l.rows[conversation(pair[1])] == nil {
			continue // both belong to one person
		}

		a := l.person(pair[0])

		b := l.person(pair[1])
		if a == b {
			continue
		}

		l.distinct[pair] = true
		for _, row := range [...]*lane{a, b} {
			if !l.created[row.laneKey] {
				people = append(people, row.lane)
			}
		}
	}

	if len(people) == 0 {
		return true, nil
	}
	// Once the persons are locked, no other transaction can join a name to them.
	members := t.namesOf(people)
	if err := t.flush(ctx); err != nil {
		return false, err
	}

	return t.tryLockRows(ctx, set, l, slices.Collect(maps.Keys(members)))
}

// tryLockRows locks further names without waiting, and reports whether it succeeded.
func (t *tx) tryLockRows(ctx context.Context, set *lockSet, l *lanes, names []string) (bool, error) {
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
		set.include(names)
		return false, nil
	}

	return true, nil
}

// namesOf queues the query of the further names of persons.
func (t *tx) namesOf(people []string) map[string]bool {
	found := map[string]bool{}
	t.query("SELECT lane FROM conversations WHERE person = ANY($1)", func(rows pgx.Rows) error {
		var name string

		err := rows.Scan(&name)
		found[name] = true

		return err
	}, people)

	return found
}

// createRows queues the inserts of missing rows. Rows that turn out to be unused are deleted by save.
func (t *tx) createRows(set *lockSet, l *lanes) {
	keys := make([]laneKey, 0, len(set.rows)+len(set.names))
	for key, of := range set.rows {
		if of.create {
			keys = append(keys, key)
		}
	}

	for name := range set.names {
		keys = append(keys, conversation(name))
	}

	if len(keys) == 0 {
		return
	}

	names, classes := keyColumns(keys)
	t.query(`
		INSERT INTO conversations (lane, class) SELECT * FROM unnest($1::text[], $2::smallint[])
		ON CONFLICT (lane, class) DO NOTHING RETURNING lane, class`,
		func(rows pgx.Rows) error {
			var key laneKey

			err := rows.Scan(&key.lane, (*int16)(&key.class))
			l.created[key] = true

			return err
		}, names, classes)
}

const laneColumns = `c.lane, c.class, c.ready_at, c.set_at, coalesce(c.waits_for, ''), c.token, c.head, c.starts, coalesce(c.person, ''),
	c.last_inbound_at, c.human_until, c.template_required`

// lockRows queues the locks of existing rows. Each is looked up separately, in the order of the keys.
func (t *tx) lockRows(l *lanes, keys []laneKey, waiting string) {
	names, classes := keyColumns(keys)
	t.query(`
		SELECT `+laneColumns+` FROM unnest($1::text[], $2::smallint[]) k (lane, class)
		CROSS JOIN LATERAL (SELECT * FROM conversations c WHERE c.lane = k.lane AND c.class = k.class FOR UPDATE `+waiting+`) c`,
		func(rows pgx.Rows) error {
			row, err := scanLane(rows)
			l.rows[row.laneKey] = row

			return err
		}, names, classes)
}

// readAliases queues the query of the names to join. Only names whose rows this transaction has created are locked.
func (t *tx) readAliases(set *lockSet, l *lanes) {
	if len(set.names) == 0 {
		return
	}

	t.query(`
		SELECT `+laneColumns+` FROM unnest($1::text[]) k (lane)
		CROSS JOIN LATERAL (SELECT * FROM conversations c WHERE c.lane = k.lane AND c.class = 0 OFFSET 0) c`,
		func(rows pgx.Rows) error {
			row, err := scanLane(rows)
			if l.aliases[row.lane] = row.person; l.created[row.laneKey] {
				l.rows[row.laneKey] = row
			}

			return err
		}, slices.Collect(maps.Keys(set.names)))
}

// keyColumns sorts keys and returns them as columns.
func keyColumns(keys []laneKey) (names []string, classes []int16) {
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
