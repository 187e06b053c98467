// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"github.com/jackc/pgx/v5"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// lanes are the rows of conversations that a transaction has locked. They are changed in memory and written once.
type lanes struct {
	rows    map[laneKey]*lane
	created map[laneKey]bool  // by this transaction
	persons map[string]string // from a further name to its person, for the names that the transaction uses
	aliases map[string]int    // the number of further names of the persons to join
	joined  []string          // persons that this transaction made names of other persons
}

func newLanes() *lanes {
	return &lanes{
		rows:    map[laneKey]*lane{},
		created: map[laneKey]bool{},
		persons: map[string]string{},
		aliases: map[string]int{},
	}
}

// lane is a row of conversations. In class Conversations it is a person.
type lane struct {
	laneKey
	ready, token, head *int64
	set                *int64 // when ready was set, by the clock that set it
	waitsFor           string // the scope for which the head waits
	starts             int
	state              store.Conversation
	named              *int64 // when the AI's id was recorded
	changed            bool   // the row must be written
	gone               bool   // the row must be deleted
}

const laneColumns = "c.lane, c.class, c.ready_at, c.set_at, coalesce(c.waits_for, ''), c.token, c.head, c.starts, c.ai_conversation_at, " + stateColumns

// scan adds a row with laneColumns, and returns its key.
func (l *lanes) scan(rows pgx.Rows) (laneKey, error) {
	var (
		r     lane
		state stateRow
	)

	err := rows.Scan(append([]any{
		&r.lane, (*int16)(&r.class), &r.ready, &r.set, &r.waitsFor, &r.token, &r.head, &r.starts, &r.named,
	}, state.targets()...)...)
	r.state = state.conversation()
	l.rows[r.laneKey] = &r

	return r.laneKey, err
}

func (l *lanes) scanRow(rows pgx.Rows) error {
	_, err := l.scan(rows)
	return err
}

// wake makes a lane due, unless it is leased or waits for a retry. If it waits for its first claim, the earlier time counts, so
// a message received with a fast clock does not delay the next one. It reports whether the lane became due.
func (l *lanes) wake(key laneKey, now int64) bool {
	row := l.rows[key]
	if row.ready != nil && (row.token != nil || row.head != nil || now >= *row.ready) {
		return false
	}

	row.due(now)

	return true
}

// due makes a lane that is not leased due at a time.
func (l *lane) due(at int64) {
	l.ready = &at
	l.set = &at
	l.token = nil
	l.waitsFor = ""
	l.changed = true
}

// dueBy makes a waiting lane due at the given time at the latest.
func (l *lane) dueBy(at int64) {
	if l.ready != nil && l.token == nil {
		l.due(min(*l.ready, at))
	}
}

// laneRows are rows of conversations, by column.
type laneRows struct {
	names                   []string
	classes                 []int16
	ready, set, token, head []*int64
	named                   []*int64
	starts                  []int
	waitsFor                []string
	inbound, until, at      []*int64
	by                      []string
	events                  []store.ID
	template                []bool
	ai                      []string
}

func (r *laneRows) add(row *lane) {
	r.names = append(r.names, row.lane)
	r.classes = append(r.classes, int16(row.class))
	r.ready = append(r.ready, row.ready)
	r.set = append(r.set, row.set)
	r.token = append(r.token, row.token)
	r.head = append(r.head, row.head)
	r.starts = append(r.starts, row.starts)
	r.waitsFor = append(r.waitsFor, row.waitsFor)
	r.inbound = append(r.inbound, millis(row.state.LastInboundAt))
	r.until = append(r.until, millis(row.state.Takeover.Until))
	r.at = append(r.at, millis(row.state.Takeover.At))
	r.by = append(r.by, string(row.state.Takeover.By))
	r.events = append(r.events, row.state.Takeover.Event)
	r.template = append(r.template, row.state.TemplateRequired)
	r.ai = append(r.ai, row.state.AIConversationID)
	r.named = append(r.named, row.named)
}

// save queues the writes of changed rows.
func (l *lanes) save(t *tx) {
	var changed, gone laneRows
	for key, row := range l.rows {
		if row.gone || l.created[key] && !row.changed {
			delete(l.rows, key)
			gone.add(row)

			continue
		}

		if !row.changed {
			continue
		}

		row.changed = false

		delete(l.created, key)
		changed.add(row)
	}

	if c := &changed; len(c.names) > 0 {
		t.exec(`
			UPDATE conversations c SET ready_at = k.ready_at, set_at = k.set_at, token = k.token, head = k.head, starts = k.starts,
				waits_for = nullif(k.waits_for, ''), last_inbound_at = k.last_inbound_at, template_required = k.template_required,
				human_until = k.human_until, taken_at = k.taken_at, taken_by = nullif(k.taken_by, ''),
				taken_event = nullif(k.taken_event, '00000000-0000-0000-0000-000000000000'),
				ai_conversation = nullif(k.ai_conversation, ''), ai_conversation_at = k.ai_conversation_at
			FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
				$9::bigint[], $10::boolean[], $11::bigint[], $12::bigint[], $13::text[], $14::uuid[], $15::text[], $16::bigint[])
				k (lane, class, ready_at, set_at, token, head, starts, waits_for,
					last_inbound_at, template_required, human_until, taken_at, taken_by, taken_event, ai_conversation, ai_conversation_at)
			WHERE c.lane = k.lane AND c.class = k.class`,
			c.names, c.classes, c.ready, c.set, c.token, c.head, c.starts, c.waitsFor, c.inbound, c.template, c.until, c.at, c.by, c.events,
			c.ai, c.named)
	}

	if len(gone.names) > 0 {
		t.exec(`
			DELETE FROM conversations c USING unnest($1::text[], $2::smallint[]) k (lane, class)
			WHERE c.lane = k.lane AND c.class = k.class`, gone.names, gone.classes)
	}

	l.saveNames(t)
}
