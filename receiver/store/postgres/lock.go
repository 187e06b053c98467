// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// laneKey is the key of a row of conversations.
type laneKey struct {
	lane  string
	class store.Class
}

// conversation returns the key of the row of a person by a name.
func conversation(name string) laneKey { return laneKey{lane: name} }

// lockSet is the set of rows of conversations that a transaction is going to change.
type lockSet struct {
	rows  map[laneKey]bool // whether the row is created if missing; by any name of the person if named is set
	named bool
	pairs [][2]string // the names to join, which are in rows
}

func newLockSet() *lockSet { return &lockSet{rows: map[laneKey]bool{}} }

// add adds the row of a lane, if there is one.
func (set *lockSet) add(key laneKey) {
	if !set.rows[key] {
		set.rows[key] = false
	}
}

// addNamed adds the row of a lane, which is created if missing. A conversation may have any name of its person.
func (set *lockSet) addNamed(key laneKey) {
	set.rows[key] = true
	set.named = set.named || key.class == store.Conversations
}

func (set *lockSet) addJoin(name, other string) {
	if name != "" && other != "" && name != other {
		set.addNamed(conversation(name))
		set.addNamed(conversation(other))
		set.pairs = append(set.pairs, [2]string{name, other})
	}
}

// lock creates missing rows of the set and locks all of them in the order of their keys. Every transaction uses this
// order, so they do not deadlock. The statements that queueMore queues run after the locks.
//
// The names of a locked person do not change. So the names are read again once the locks are taken: if a name leads to
// another person than before, the transaction begins anew.
func (t *tx) lock(ctx context.Context, set *lockSet, queueMore func()) (*lanes, error) {
	l := newLanes()

	t.createRows(set, l)

	keys := slices.Collect(maps.Keys(set.rows))
	if set.named {
		t.lockNamedRows(l, keys)
		t.readNames(l, keys)
	} else {
		t.lockRows(l, keys)
	}

	queueMore()

	if err := t.flush(ctx); err != nil {
		return nil, err
	}

	for key, create := range set.rows {
		if at := l.resolve(key); l.rows[at] == nil && (create || at != key) {
			return nil, errLostRace
		}
	}

	for key := range l.created {
		if l.rows[key] == nil {
			return nil, errLostRace // the name was joined to another person just before the row was created
		}
	}

	return l, t.countNames(ctx, set, l)
}

// resolvedKeys is a query of the keys of rows by the keys of names, in the order of the keys.
const resolvedKeys = `
	SELECT DISTINCT CASE WHEN k.class = 0 THEN coalesce((SELECT n.person FROM names n WHERE n.name = k.name), k.name) ELSE k.name END
		COLLATE "C" AS lane, k.class
	FROM unnest($1::text[], $2::smallint[]) k (name, class) ORDER BY 1, 2`

// createRows queues the inserts of missing rows. Rows that turn out to be unused are deleted by save.
func (t *tx) createRows(set *lockSet, l *lanes) {
	var keys []laneKey
	for key, create := range set.rows {
		if create {
			keys = append(keys, key)
		}
	}

	if len(keys) == 0 {
		return
	}

	names, classes := keyColumns(keys)
	t.query("INSERT INTO conversations (lane, class)"+resolvedKeys+" ON CONFLICT (lane, class) DO NOTHING RETURNING lane, class",
		func(rows pgx.Rows) error {
			var key laneKey

			err := rows.Scan(&key.lane, (*int16)(&key.class))
			l.created[key] = true

			return err
		}, names, classes)
}

// lockNamedRows queues the locks of existing rows by any name of their person.
func (t *tx) lockNamedRows(l *lanes, keys []laneKey) {
	names, classes := keyColumns(keys)
	t.query(`
		SELECT `+laneColumns+` FROM (`+resolvedKeys+`) k
		CROSS JOIN LATERAL (SELECT * FROM conversations c WHERE c.lane = k.lane AND c.class = k.class FOR UPDATE) c`,
		l.scanRow, names, classes)
}

// lockRows queues the locks of existing rows. Each is looked up separately, in the order of the keys.
func (t *tx) lockRows(l *lanes, keys []laneKey) {
	names, classes := keyColumns(keys)
	t.query(`
		SELECT `+laneColumns+` FROM unnest($1::text[], $2::smallint[]) k (lane, class)
		CROSS JOIN LATERAL (SELECT * FROM conversations c WHERE c.lane = k.lane AND c.class = k.class FOR UPDATE) c`,
		l.scanRow, names, classes)
}

// readNames queues the query of the persons that names lead to.
func (t *tx) readNames(l *lanes, keys []laneKey) {
	var names []string
	for _, key := range keys {
		if key.class == store.Conversations {
			names = append(names, key.lane)
		}
	}

	t.query("SELECT name, person FROM names WHERE name = ANY($1)", func(rows pgx.Rows) error {
		var name, person string

		err := rows.Scan(&name, &person)
		l.persons[name] = person

		return err
	}, names)
}

// countNames reads the number of names of the persons to join, unless all of them are new.
func (t *tx) countNames(ctx context.Context, set *lockSet, l *lanes) error {
	var persons []string
	for _, pair := range set.pairs {
		a := l.resolve(conversation(pair[0]))

		b := l.resolve(conversation(pair[1]))
		if a != b && (!l.created[a] || !l.created[b]) {
			persons = append(persons, a.lane, b.lane)
		}
	}

	if len(persons) == 0 {
		return nil
	}

	t.query("SELECT person, count(*) FROM names WHERE person = ANY($1) GROUP BY person", func(rows pgx.Rows) error {
		var (
			person string
			n      int
		)

		err := rows.Scan(&person, &n)
		l.aliases[person] = n

		return err
	}, persons)

	return t.flush(ctx)
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
