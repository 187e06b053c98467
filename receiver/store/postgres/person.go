// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// burst is the maximum lag of LastInboundAt, so that most messages of a burst write nothing.
const burst = time.Minute

// stateColumns are the columns of conversations with the state of a person.
const stateColumns = `c.last_inbound_at, coalesce(c.template_required, false), c.human_until, c.taken_at, coalesce(c.taken_by, ''), c.taken_event,
	coalesce(c.ai_conversation, '')`

// stateRow holds the columns of stateColumns.
type stateRow struct {
	inbound, until, at *int64
	template           bool
	by                 store.Holder
	event              *[16]byte
	ai                 string
}

func (r *stateRow) targets() []any {
	return []any{&r.inbound, &r.template, &r.until, &r.at, &r.by, &r.event, &r.ai}
}

func (r *stateRow) conversation() store.Conversation {
	c := store.Conversation{
		LastInboundAt:    fromMillis(r.inbound),
		TemplateRequired: r.template,
		AIConversationID: r.ai,
		Takeover: store.Takeover{
			By:    r.by,
			Until: fromMillis(r.until),
			At:    fromMillis(r.at),
		},
	}
	if r.event != nil {
		c.Takeover.Event = *r.event
	}

	return c
}

// resolve returns the key of the row of a lane. A conversation may have any name of its person.
func (l *lanes) resolve(key laneKey) laneKey {
	if person, ok := l.persons[key.lane]; ok && key.class == store.Conversations {
		key.lane = person
	}

	return key
}

// person returns the row of the person with a name.
func (l *lanes) person(name string) *lane { return l.rows[l.resolve(conversation(name))] }

// join makes two names belong to one person: that of the first name, unless only the other is leased. So the lease goes
// on, and the other's events follow in its lane.
func (l *lanes) join(name, other string) {
	if name == "" || other == "" {
		return
	}

	to := l.person(name)

	from := l.person(other)
	if to == from || 2+l.aliases[to.lane]+l.aliases[from.lane] > store.MaxNames {
		return
	}

	if from.token != nil && to.token == nil {
		to, from = from, to
	}

	if to.token == nil && from.ready != nil && (to.ready == nil || *from.ready < *to.ready) {
		to.ready = from.ready
		to.set = from.set
		to.waitsFor = from.waitsFor
		to.head = from.head
		to.starts = from.starts
	}

	to.state = to.state.Merge(from.state)
	if from.named != nil && (to.named == nil || *to.named < *from.named) {
		to.named = from.named
	}

	to.changed = true
	from.gone = true

	for further, person := range l.persons {
		if person == from.lane {
			l.persons[further] = to.lane
		}
	}

	l.persons[from.lane] = to.lane
	l.aliases[to.lane] += 1 + l.aliases[from.lane]
	l.joined = append(l.joined, from.lane)
}

// saveNames queues the writes of the names of joined persons, and moves their pending events to the lane of the person
// that they belong to now.
func (l *lanes) saveNames(t *tx) {
	if len(l.joined) == 0 {
		return
	}

	var persons, known []string
	for _, name := range l.joined {
		persons = append(persons, l.persons[name])
		if !l.created[conversation(name)] {
			known = append(known, name)
		}
	}

	t.exec("INSERT INTO names (name, person) SELECT * FROM unnest($1::text[], $2::text[])", l.joined, persons)

	l.joined = nil
	// Joins of persons that have names or events are rare, so each has its own statements, which use the indexes.
	for _, name := range known {
		person := l.persons[name]
		t.exec("UPDATE names SET person = $1 WHERE person = $2", person, name)
		t.exec("UPDATE events SET lane = $1 WHERE lane = $2 AND class = 0 AND state = 'pending'", person, name)
	}
}

// recordInbound records that a person wrote or called. A message less than a minute after the recorded one changes nothing.
func (l *lanes) recordInbound(name string, at time.Time) {
	p := l.person(name)
	last := p.state.LastInboundAt
	opens := p.state.TemplateRequired && !at.Before(last)

	if last.IsZero() || at.Sub(last) >= burst || opens {
		p.state.LastInboundAt = at
		p.state.TemplateRequired = false
		p.changed = true
	}
}

// takeOver changes who has the conversation with a person, unless the stored takeover stays. Its lane is due at now, if it
// waits, so that its events end or go on.
func (l *lanes) takeOver(name string, takeover store.Takeover, now time.Time) {
	takeover.At = fromMillis(millis(takeover.At))
	takeover.Until = fromMillis(millis(takeover.Until))

	p := l.person(name)
	if !takeover.Changes(p.state.Takeover) {
		return
	}

	takeover.Preserves = store.Holders{}
	p.state.Takeover = takeover
	p.changed = true
	p.dueBy(now.UnixMilli())
}

// requireTemplate changes whether only a template reaches a person.
func (l *lanes) requireTemplate(name string, required bool) {
	p := l.person(name)
	p.state.TemplateRequired = required
	p.changed = true
}

// nameConversation records the id that the AI gave the conversation with a person.
func (l *lanes) nameConversation(name, id string, now time.Time) {
	p := l.person(name)
	p.named = millis(now)
	p.state.AIConversationID = sanitize(id)
	p.changed = true
}
