// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sqlite

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// conversation reads the columns last_inbound_at, human_until and template_required.
func (r row) conversation(i int) store.Conversation {
	return store.Conversation{
		LastInboundAt:    r.time(i),
		Takeover:         store.Takeover{Until: r.time(i + 1)},
		TemplateRequired: r.int(i+2) != 0,
	}
}

// person returns the name whose row holds the state of a person, and the state. The name is empty if the person is
// unknown.
func (t *tx) person(lane string) (name string, state store.Conversation, err error) {
	err = t.query(`
		SELECT p.lane, p.last_inbound_at, p.human_until, p.template_required
		FROM conversations c JOIN conversations p ON p.lane = coalesce(c.person, c.lane) AND p.class = 0
		WHERE c.lane = ? AND c.class = 0`,
		func(r row) error {
			name = r.text(0)
			state = r.conversation(1)

			return nil
		}, lane)

	return name, state, err
}

// ensurePerson is like person, but creates the row of an unknown name.
func (t *tx) ensurePerson(lane string) (name string, state store.Conversation, err error) {
	if name, state, err = t.person(lane); err != nil || name != "" {
		return name, state, err
	}

	_, err = t.exec("INSERT INTO conversations (lane, class) VALUES (?, 0)", lane)

	return lane, state, err
}

// join makes two names belong to one person. The row of the first name's person then holds the state.
func (t *tx) join(lane, other string) error {
	if lane == "" || other == "" || lane == other {
		return nil
	}

	joined := false
	names := int64(0)

	err := t.query(`
		SELECT 1 FROM conversations a JOIN conversations b ON coalesce(a.person, a.lane) = coalesce(b.person, b.lane)
		WHERE a.lane = ? AND a.class = 0 AND b.lane = ? AND b.class = 0`,
		func(row) error { joined = true; return nil }, lane, other)
	if err != nil || joined {
		return err
	}

	to, state, err := t.ensurePerson(lane)
	if err != nil {
		return err
	}

	from, before, err := t.ensurePerson(other)
	if err != nil {
		return err
	}

	err = t.query("SELECT count(*) FROM conversations WHERE person IN (?, ?)",
		func(r row) error { names = 2 + r.int(0); return nil }, to, from)
	if err != nil || names > store.MaxNames {
		return err
	}

	_, err = t.exec("UPDATE conversations SET person = ?1 WHERE person = ?2", to, from)
	if err != nil {
		return err
	}

	_, err = t.exec(`
		UPDATE conversations SET person = ?, last_inbound_at = NULL, human_until = NULL, template_required = 0
		WHERE lane = ? AND class = 0`, to, from)
	if err != nil {
		return err
	}

	state = state.Merge(before)
	_, err = t.exec(`
		UPDATE conversations SET last_inbound_at = ?, human_until = ?, template_required = ?
		WHERE lane = ? AND class = 0`,
		millis(state.LastInboundAt), millis(state.Takeover.Until), state.TemplateRequired, to)

	return err
}

// updateConversation changes the state of the person that a lane is named after. A nil argument leaves that part
// unchanged.
func (t *tx) updateConversation(lane string, takeover *store.Takeover, templateRequired *bool) error {
	if takeover == nil && templateRequired == nil {
		return nil
	}

	person, state, err := t.ensurePerson(lane)
	if err != nil {
		return err
	}

	if takeover != nil {
		state.Takeover = *takeover
	}

	if templateRequired != nil {
		state.TemplateRequired = *templateRequired
	}

	_, err = t.exec("UPDATE conversations SET human_until = ?, template_required = ? WHERE lane = ? AND class = 0",
		millis(state.Takeover.Until), state.TemplateRequired, person)

	return err
}
