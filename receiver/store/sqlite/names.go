// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"database/sql/driver"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// personRow is the row of a person in conversations, with the columns of the lane as stored.
type personRow struct {
	lane                         string
	ready, set, waits, token, at driver.Value // at is the head
	named                        int64        // when the AI's id was recorded
	starts                       int64
	state                        store.Conversation
}

func (p *personRow) leased() bool { return p.token != nil }

// dueBefore reports whether the lane is due before another lane. An idle lane is never due.
func (p *personRow) dueBefore(other *personRow) bool {
	ready, waits := p.ready.(int64)
	otherReady, otherWaits := other.ready.(int64)

	return waits && (!otherWaits || ready < otherReady)
}

func (t *tx) personRow(lane string) (*personRow, error) {
	p := &personRow{lane: lane}
	err := t.query("SELECT ready_at, set_at, waits_for, token, head, starts, coalesce(ai_conversation_at, 0), "+stateColumns+`
		FROM conversations WHERE lane = ? AND class = 0`,
		func(r row) error {
			p.ready = r[0]
			p.set = r[1]
			p.waits = r[2]
			p.token = r[3]
			p.at = r[4]
			p.starts = r.int(5)
			p.named = r.int(6)
			p.state = r.conversation(7)

			return nil
		}, lane)

	return p, err
}

// join makes two names belong to one person. The events of one move to the lane of the other: to the leased one if only
// one is leased, else to that of the first name. If both are leased, the lease on the other is lost.
func (t *tx) join(name, other string) error {
	if name == "" || other == "" || name == other {
		return nil
	}

	var winner, loser string

	err := t.query(`
		SELECT coalesce((SELECT person FROM names WHERE name = ?1), ?1), coalesce((SELECT person FROM names WHERE name = ?2), ?2)`,
		func(r row) error {
			winner = r.text(0)
			loser = r.text(1)

			return nil
		}, name, other)
	if err != nil || winner == loser {
		return err
	}

	names := int64(0)
	err = t.query("SELECT count(*) FROM names WHERE person IN (?, ?)",
		func(r row) error { names = 2 + r.int(0); return nil }, winner, loser)

	if err != nil || names > store.MaxNames {
		return err
	}

	to, err := t.personRow(winner)
	if err != nil {
		return err
	}

	from, err := t.personRow(loser)
	if err != nil {
		return err
	}

	if from.leased() && !to.leased() {
		to, from = from, to
	}

	return t.mergePersons(to, from)
}

// mergePersons moves everything of a person to another, and deletes the person.
func (t *tx) mergePersons(to, from *personRow) error {
	if !to.leased() && from.dueBefore(to) {
		to.ready = from.ready
		to.set = from.set
		to.waits = from.waits
		to.at = from.at
		to.starts = from.starts
	}

	for _, sql := range [...]string{
		"UPDATE events SET lane = ?1 WHERE lane = ?2 AND class = 0 AND state = 'pending'",
		"UPDATE names SET person = ?1 WHERE person = ?2",
		"INSERT INTO names (name, person) VALUES (?2, ?1)",
	} {
		if _, err := t.exec(sql, to.lane, from.lane); err != nil {
			return err
		}
	}

	if _, err := t.exec("DELETE FROM conversations WHERE lane = ? AND class = 0", from.lane); err != nil {
		return err
	}

	state := to.state.Merge(from.state)
	_, err := t.exec(`
		INSERT OR REPLACE INTO conversations (lane, class, ready_at, set_at, waits_for, token, head, starts, ai_conversation_at, `+stateColumns+`)
		VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		to.lane, to.ready, to.set, to.waits, to.token, to.at, to.starts, max(to.named, from.named), millis(state.LastInboundAt),
		millis(state.Takeover.Until), string(state.Takeover.By), millis(state.Takeover.At), eventID(state.Takeover.Event),
		state.TemplateRequired, optional(state.AIConversationID))

	return err
}
