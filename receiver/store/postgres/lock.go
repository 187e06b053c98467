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
)

// maxLooks bounds how often people are looked at anew because they changed before they were locked.
const maxLooks = 10

// laneKey names a row of conversations.
type laneKey struct {
	lane  string
	class int16
}

// conversation is the key of the row in which a person is known by a name.
func conversation(name string) laneKey { return laneKey{lane: name} }

// needs are the rows of conversations that a transaction is going to change.
type needs struct {
	rows   map[laneKey]bool // one that is not there is made
	found  map[laneKey]bool // only where they are there
	people map[string]bool  // names of whose person the row with the state is needed
	pairs  [][2]string      // names that are to be one person's
}

func newNeeds() *needs {
	return &needs{rows: map[laneKey]bool{}, found: map[laneKey]bool{}, people: map[string]bool{}}
}

func (n *needs) person(name string) {
	n.rows[conversation(name)] = true
	n.people[name] = true
}

func (n *needs) join(name, other string) {
	if name != "" && other != "" && name != other {
		n.person(name)
		n.people[other] = true
		n.pairs = append(n.pairs, [2]string{name, other})
	}
}

// known is what was seen of the needed rows without a lock. It may have changed since.
type known struct {
	persons map[laneKey]string // of each row that is there; empty where it has the state itself
}

func (k *known) name(name string) string { return cmp.Or(k.persons[conversation(name)], name) }

// look queues a look at the needed rows.
func (t *tx) look(n *needs) *known {
	k := &known{persons: map[laneKey]string{}}
	keys := slices.Concat(slices.Collect(maps.Keys(n.rows)), slices.Collect(maps.Keys(n.found)))
	for name := range n.people {
		keys = append(keys, conversation(name))
	}
	if len(keys) == 0 {
		return k
	}
	names, classes := columns(keys)
	t.query(`
		SELECT c.lane, c.class, coalesce(c.person, '') FROM unnest($1::text[], $2::smallint[]) k (lane, class)
		JOIN conversations c ON c.lane = k.lane AND c.class = k.class`,
		func(rows pgx.Rows) error {
			var key laneKey
			var person string
			err := rows.Scan(&key.lane, &key.class, &person)
			k.persons[key] = person
			return err
		}, names, classes)
	return k
}

// members queues a look at the further names of people.
func (t *tx) members(people []string) map[string]bool {
	found := map[string]bool{}
	if len(people) > 0 {
		t.query("SELECT lane FROM conversations WHERE person = ANY($1)", func(rows pgx.Rows) error {
			var name string
			err := rows.Scan(&name)
			found[name] = true
			return err
		}, people)
	}
	return found
}

// lock makes the rows that are needed and locks them, in the order of their keys, as every transaction does: so none
// waits for another that waits for it. The statements that others queues come after the locks; it is called again
// when people changed between the look and the lock, and the locks are not those that are needed.
func (t *tx) lock(ctx context.Context, n *needs, k *known, others func()) (*lanes, error) {
	var members map[string]bool
	made := map[laneKey]bool{}
	for look := range maxLooks {
		if look > 0 {
			k = t.look(n)
			if err := t.flush(ctx); err != nil {
				return nil, err
			}
		}
		apart := map[[2]string]bool{}
		var people []string
		for _, pair := range n.pairs {
			if a, b := k.name(pair[0]), k.name(pair[1]); a != b {
				apart[pair] = true
				n.person(pair[1])
				people = append(people, a, b)
			}
		}
		if slices.ContainsFunc(people, func(name string) bool { _, there := k.persons[conversation(name)]; return there }) {
			members = t.members(people)
			if err := t.flush(ctx); err != nil {
				return nil, err
			}
		}
		wanted := maps.Clone(n.found)
		for key := range n.rows {
			wanted[key] = true
		}
		for name := range n.people {
			wanted[conversation(k.name(name))] = true
		}
		for name := range members {
			wanted[conversation(name)] = true
		}
		l := &lanes{rows: map[laneKey]*lane{}, made: made, apart: apart}
		t.makeRows(n, k, l)
		t.lockRows(l, wanted)
		members = t.members(people)
		others()
		if err := t.flush(ctx); err != nil {
			return nil, err
		}
		if l.complete(n, k, members) {
			return l, nil
		}
	}
	return nil, errors.New("the names of a person kept changing")
}

// makeRows queues the making of needed rows that are not there. Those that are then not used are removed.
func (t *tx) makeRows(n *needs, k *known, l *lanes) {
	var missing []laneKey
	for key := range n.rows {
		if _, there := k.persons[key]; !there {
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return
	}
	names, classes := columns(missing)
	t.query(`
		INSERT INTO conversations (lane, class) SELECT * FROM unnest($1::text[], $2::smallint[])
		ON CONFLICT (lane, class) DO NOTHING RETURNING lane, class`,
		func(rows pgx.Rows) error {
			var key laneKey
			err := rows.Scan(&key.lane, &key.class)
			l.made[key] = true
			return err
		}, names, classes)
}

const laneColumns = "c.lane, c.class, c.ready_at, c.token, c.head, c.starts, coalesce(c.person, ''), c.last_inbound_at, c.human_until, c.template_required"

// lockRows queues the lock of rows that are there.
func (t *tx) lockRows(l *lanes, wanted map[laneKey]bool) {
	names, classes := columns(slices.Collect(maps.Keys(wanted)))
	t.query(`
		SELECT `+laneColumns+` FROM unnest($1::text[], $2::smallint[]) k (lane, class)
		JOIN conversations c ON c.lane = k.lane AND c.class = k.class
		ORDER BY c.lane, c.class FOR UPDATE OF c`,
		func(rows pgx.Rows) error {
			_, err := l.add(rows)
			return err
		}, names, classes)
}

// columns sorts keys and takes them apart.
func columns(keys []laneKey) (names []string, classes []int16) {
	slices.SortFunc(keys, func(a, b laneKey) int {
		return cmp.Or(cmp.Compare(a.lane, b.lane), cmp.Compare(a.class, b.class))
	})
	keys = slices.Compact(keys)
	names, classes = make([]string, len(keys)), make([]int16, len(keys))
	for i, key := range keys {
		names[i], classes[i] = key.lane, key.class
	}
	return names, classes
}
