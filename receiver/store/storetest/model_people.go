// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// modelPerson is a person with one or more names.
type modelPerson struct {
	lane  string // the name under which the person's events are stored
	state store.Conversation
	// unsure is set after a merge of two states if the store cannot know the newer one, because LastInboundAt may lag.
	unsure   bool
	unsureID bool // likewise, of two ids of the AI
}

func (m *model) person(name string) *modelPerson {
	if m.people[name] == nil {
		m.people[name] = &modelPerson{lane: name}
	}

	return m.people[name]
}

func (p *modelPerson) hears(when time.Time) {
	p.state.LastInboundAt = when
	p.state.TemplateRequired = false
	p.unsure = false // time never goes backwards in the model
}

func (m *model) joinAll(name string, aliases []string) {
	for _, alias := range aliases {
		m.join(name, alias)
	}
}

func (m *model) join(name, other string) {
	if name == "" || other == "" {
		return
	}

	p := m.person(name)

	q := m.person(other)
	if p == q {
		return
	}

	if m.lane(store.Conversations, other).token != 0 && m.lane(store.Conversations, name).token == 0 {
		p, q = q, p
	}

	m.joinLanes(p.lane, q.lane)

	apart := p.state.LastInboundAt.Sub(q.state.LastInboundAt).Abs()
	differ := p.state.TemplateRequired != q.state.TemplateRequired
	p.unsure = p.unsure || q.unsure || differ && apart < time.Minute

	two := p.state.AIConversationID != "" && q.state.AIConversationID != ""
	p.unsureID = p.unsureID || q.unsureID || two && apart < time.Minute

	p.state = p.state.Merge(q.state)
	for name, other := range m.people {
		if other == q {
			m.people[name] = p
		}
	}
}

// joinLanes moves the events of a conversation to another. The lease on the other stays, else the lane that is due earlier
// decides when the result is due.
func (m *model) joinLanes(name, other string) {
	to := m.lane(store.Conversations, name)
	from := m.lane(store.Conversations, other)

	if to.token == 0 && !from.ready.IsZero() && (to.ready.IsZero() || from.ready.Before(to.ready)) {
		to.ready = from.ready
		to.waits = from.waits
		to.head = from.head
	}

	for _, e := range from.events {
		if e.state == store.Pending {
			e.event.Lane = name
		}
	}

	to.events = append(to.events, from.events...)
	slices.SortFunc(to.events, func(a, b *modelEvent) int { return cmp.Compare(a.place, b.place) })
	delete(m.lanes, modelName{class: store.Conversations, lane: other})
}

// seen compares the store's state of a person with the model, and returns the person.
func (p *modelPerson) seen(t *rapid.T, got store.Conversation) store.Conversation {
	if lag := p.state.LastInboundAt.Sub(got.LastInboundAt); lag < 0 || lag >= time.Minute {
		t.Fatalf("the last message is known as of %v, want %v", got.LastInboundAt, p.state.LastInboundAt)
	}

	if p.unsure {
		p.state.TemplateRequired = got.TemplateRequired
		p.unsure = false
	}

	if p.unsureID && got.AIConversationID != "" {
		p.state.AIConversationID = got.AIConversationID
		p.unsureID = false
	}

	return store.Conversation{
		LastInboundAt:    got.LastInboundAt,
		Takeover:         p.state.Takeover,
		TemplateRequired: p.state.TemplateRequired,
		AIConversationID: p.state.AIConversationID,
	}
}

// updateConversation changes the state of a lane's person.
func (m *model) updateConversation(t *rapid.T) {
	h := m.hold(t)

	step := store.Step{Now: m.now}
	switch rapid.IntRange(0, 2).Draw(t, "what") {
	case 0:
		step.TemplateRequired = new(rapid.Bool().Draw(t, "template"))
	case 1:
		step.AIConversationID = new(rapid.SampledFrom([]string{"one", "two", ""}).Draw(t, "id"))
	default:
		until := time.Time{}
		if minutes := rapid.IntRange(0, 3).Draw(t, "minutes"); minutes > 0 {
			until = m.now.Add(time.Duration(minutes) * time.Minute)
		}

		step.Takeover = &store.Takeover{Until: until, At: m.now}
	}

	if _, held := m.advance(t, h, step); !held {
		return
	}

	h.event.starts = 1

	person := m.person(h.ref.Lane)
	if step.TemplateRequired != nil {
		person.state.TemplateRequired = *step.TemplateRequired
		person.unsure = false
	}

	if step.AIConversationID != nil {
		person.state.AIConversationID = *step.AIConversationID
		person.unsureID = false
	}

	if step.Takeover != nil {
		m.takeOver(h.ref.Lane, *step.Takeover)
	}
}

// takeOver changes who has a conversation. Its lane is due, if it waits.
func (m *model) takeOver(name string, takeover store.Takeover) {
	m.person(name).state.Takeover = takeover

	if lane := m.lane(store.Conversations, name); lane.token == 0 && !lane.ready.IsZero() {
		lane.waits = ""
		if lane.ready.After(m.now) {
			lane.ready = m.now
		}
	}
}

// figures counts the persons that wrote within a day, which is longer than any run of the model, and those in human
// mode.
func (m *model) figures() (active, human int64) {
	var counted []*modelPerson
	for _, p := range m.people {
		if slices.Contains(counted, p) {
			continue
		}

		counted = append(counted, p)
		if !p.state.LastInboundAt.IsZero() {
			active++
		}

		if p.state.Takeover.Active(m.now) {
			human++
		}
	}

	return active, human
}

func (m *model) pause(t *rapid.T) {
	scope := rapid.SampledFrom([]string{"app", "number"}).Draw(t, "scope")
	if rapid.IntRange(0, 3).Draw(t, "clear") == 0 {
		if err := m.store.ClearPause(t.Context(), scope); err != nil {
			t.Fatalf("ClearPause: %v", err)
		}

		delete(m.pauses, scope)

		return
	}

	pause := store.Pause{
		Scope: scope,
		Until: m.now.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "seconds")) * time.Second),
		Level: rapid.IntRange(0, 5).Draw(t, "level"),
		Code:  rapid.SampledFrom([]string{"130429", "131056"}).Draw(t, "code"),
	}
	if err := m.store.SetPause(t.Context(), pause, m.now); err != nil {
		t.Fatalf("SetPause: %v", err)
	}

	if old := m.pauses[scope]; old.Until.After(m.now) {
		pause.Level = max(pause.Level, old.Level)
		if !pause.Until.After(old.Until) {
			pause.Until = old.Until
			pause.Code = old.Code
		}
	}

	m.pauses[scope] = pause
}

func (m *model) comparePauses(t *rapid.T) {
	var want []store.Pause
	for _, pause := range m.pauses {
		if pause.Until.After(m.now) {
			want = append(want, pause)
		}
	}

	_, got, err := m.store.Schedule(t.Context(), m.now)
	byScope := func(a, b store.Pause) int { return strings.Compare(a.Scope, b.Scope) }
	slices.SortFunc(got, byScope)
	slices.SortFunc(want, byScope)

	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("Schedule returned pauses %v, %v, want %v", got, err, want)
	}
}
