// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"cmp"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// burst is the maximum lag of LastInboundAt, so that most messages of a burst write nothing.
const burst = time.Minute

// lanes are the rows of conversations that a transaction has locked. They are changed in memory and written once.
type lanes struct {
	rows     map[laneKey]*lane
	created  map[laneKey]bool   // by this transaction
	aliases  map[string]string  // from a name to join to the person it belongs to; its row need not be locked
	distinct map[[2]string]bool // the pairs to join that belong to different persons
}

// lane is a row of conversations.
type lane struct {
	laneKey
	ready, token, head *int64
	set                *int64 // when ready was set, by the clock that set it
	waitsFor           string // the scope for which the head waits
	starts             int
	person             string // the name whose row has the state; empty if this row has it
	state              store.Conversation
	changed            bool // the row must be written
	gone               bool // the row must be deleted
}

func scanLane(rows pgx.Rows) (*lane, error) {
	r := &lane{}

	var inbound, human *int64

	err := rows.Scan(&r.lane, (*int16)(&r.class), &r.ready, &r.set, &r.waitsFor, &r.token, &r.head, &r.starts, &r.person,
		&inbound, &human, &r.state.TemplateRequired)
	r.state.LastInboundAt = fromMillis(inbound)
	r.state.Takeover.Until = fromMillis(human)

	return r, err
}

// referencedNames returns the names to lock besides those in the set: names whose rows hold the state of persons, and
// names to join.
func (l *lanes) referencedNames(set *lockSet) []string {
	var names []string
	for key, need := range set.rows {
		if row := l.rows[key]; row != nil && need.person && row.person != "" {
			names = append(names, row.person)
		}
	}

	for _, pair := range set.pairs {
		row := l.rows[conversation(pair[0])]

		other := cmp.Or(l.aliases[pair[1]], pair[1])
		if row != nil && cmp.Or(row.person, row.lane) != other {
			names = append(names, pair[1], other)
		}
	}

	return names
}

// isComplete reports whether everything needed is locked and references nothing else.
func (l *lanes) isComplete(set *lockSet) bool {
	for key, need := range set.rows {
		row := l.rows[key]
		if row == nil && need.create || row != nil && need.person && l.person(key.lane) == nil {
			return false
		}
	}

	for name := range set.names {
		if l.rows[conversation(name)] != nil && l.person(name) == nil {
			return false
		}
	}

	return true
}

// wake makes a lane due, unless it is leased or waits for a retry. If it waits for its first claim, the earlier time
// counts: a message that was received while the clock was ahead does not delay the next.
func (l *lanes) wake(key laneKey, now int64) {
	row := l.rows[key]
	if row.ready == nil || row.token == nil && row.head == nil && now < *row.ready {
		row.due(now)
	}
}

// due makes a lane that is not leased due at a time.
func (l *lane) due(at int64) {
	l.ready = &at
	l.set = &at
	l.token = nil
	l.waitsFor = ""
	l.changed = true
}

// person returns the row that holds the state of the person with a name, or nil if it is not locked.
func (l *lanes) person(name string) *lane {
	row := l.rows[conversation(name)]
	if row.person == "" {
		return row
	}

	if row = l.rows[conversation(row.person)]; row != nil && row.person != "" {
		return nil
	}

	return row
}

// recordInbound records that a person wrote. A message less than a minute after the recorded one changes nothing.
func (l *lanes) recordInbound(name string, received time.Time) {
	p := l.person(name)
	if last := p.state.LastInboundAt; last.IsZero() || received.Sub(last) >= burst || p.state.TemplateRequired {
		if received.After(last) {
			p.state.LastInboundAt = received
		}

		p.state.TemplateRequired = false
		p.changed = true
	}
}

// join makes two names belong to one person. The row of the first name's person then holds the state.
func (l *lanes) join(name, other string) {
	if !l.distinct[[2]string{name, other}] {
		return
	}

	to := l.person(name)

	from := l.person(other)
	if to == from {
		return
	}

	names := 0
	for _, row := range l.rows {
		if row.class == store.Conversations && (row == to || row == from || row.person == to.lane || row.person == from.lane) {
			names++
		}
	}

	if names > store.MaxNames {
		return
	}

	for _, row := range l.rows {
		if row.class == store.Conversations && (row == from || row.person == from.lane) {
			row.person = to.lane
			row.changed = true
		}
	}

	to.state = to.state.Merge(from.state)
	to.changed = true
	from.state = store.Conversation{}
}

// updateConversation changes the state of a person. A nil argument leaves that part unchanged.
func (l *lanes) updateConversation(name string, takeover *store.Takeover, templateRequired *bool) {
	if takeover == nil && templateRequired == nil {
		return
	}

	p := l.person(name)

	p.changed = true
	if takeover != nil {
		p.state.Takeover = *takeover
	}

	if templateRequired != nil {
		p.state.TemplateRequired = *templateRequired
	}
}

// save queues the writes of changed rows.
func (l *lanes) save(t *tx) {
	var (
		names, goneNames                        []string
		classes, goneClasses                    []int16
		ready, set, token, head, inbound, human []*int64
		starts                                  []int
		person, waitsFor                        []string
		template                                []bool
	)
	for key, row := range l.rows {
		if row.gone || l.created[key] && !row.changed {
			delete(l.rows, key)

			goneNames = append(goneNames, row.lane)
			goneClasses = append(goneClasses, int16(row.class))

			continue
		}

		if !row.changed {
			continue
		}

		row.changed = false

		delete(l.created, key)

		names = append(names, row.lane)
		classes = append(classes, int16(row.class))
		ready = append(ready, row.ready)
		set = append(set, row.set)
		waitsFor = append(waitsFor, row.waitsFor)
		token = append(token, row.token)
		head = append(head, row.head)
		starts = append(starts, row.starts)
		person = append(person, row.person)
		inbound = append(inbound, millis(row.state.LastInboundAt))
		human = append(human, millis(row.state.Takeover.Until))
		template = append(template, row.state.TemplateRequired)
	}

	if len(names) > 0 {
		t.exec(`
			UPDATE conversations c SET ready_at = k.ready_at, token = k.token, head = k.head, starts = k.starts, person = nullif(k.person, ''),
				last_inbound_at = k.last_inbound_at, human_until = k.human_until, template_required = k.template_required,
				set_at = k.set_at, waits_for = nullif(k.waits_for, '')
			FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[],
				$9::bigint[], $10::boolean[], $11::bigint[], $12::text[])
				k (lane, class, ready_at, token, head, starts, person, last_inbound_at, human_until, template_required, set_at, waits_for)
			WHERE c.lane = k.lane AND c.class = k.class`,
			names, classes, ready, token, head, starts, person, inbound, human, template, set, waitsFor)
	}

	if len(goneNames) > 0 {
		t.exec(`
			DELETE FROM conversations c USING unnest($1::text[], $2::smallint[]) k (lane, class)
			WHERE c.lane = k.lane AND c.class = k.class`, goneNames, goneClasses)
	}
}
