// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// historyStart is when the first event of the histories below was received. Each comes a minute after the one before.
var historyStart = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// past is an event of a history.
type past struct {
	message    string // of the person, in Meta's form without the id; empty: an outbound message
	state      store.State
	answers    []string
	unsent     bool
	byDesk     bool
	transcript string
	handsOff   bool
	answeredIn time.Duration // until the answer was sent; 0: a second
}

func textOf(text string) string { return fmt.Sprintf(`"type":"text","text":{"body":%q}`, text) }

func (p past) record(t *testing.T, i int) store.Record {
	t.Helper()

	id := fmt.Sprintf("wamid.%d", i)
	at := historyStart.Add(time.Duration(i) * time.Minute)
	record := store.Record{Work: store.Work{Seq: int64(i + 1), Transcript: p.transcript, Event: store.Event{
		ID:         store.NewID(store.KindMessage, id),
		Kind:       store.KindMessage,
		State:      p.state,
		ReceivedAt: at,
	}}}

	if p.message == "" {
		record.Event.Kind = store.KindOutbound
		record.Event.Type = "assistant"
	} else {
		payload, err := json.Marshal(whatsapp.Item{
			Kind: whatsapp.ItemMessage,
			Raw:  json.RawMessage(fmt.Sprintf(`{"id":%q,"from":"573001234567",%s}`, id, p.message)),
		})
		if err != nil {
			t.Fatal(err)
		}

		record.Event.Payload = payload
	}

	if p.byDesk {
		record.Event.Type = "desk"
	}

	answeredIn := time.Second
	if p.answeredIn > 0 {
		answeredIn = p.answeredIn
	}

	for part, text := range p.answers {
		encoded, err := cloudapi.Encode(cloudapi.Reply{To: cloudapi.Recipient{WaID: "573001234567"}}, cloudapi.TextContent{Text: text})
		if err != nil {
			t.Fatal(err)
		}

		reply := store.Reply{
			Part:      part,
			Body:      encoded.Body,
			State:     store.Sent,
			StartedAt: at.Add(answeredIn),
		}
		if p.unsent {
			reply.State = store.Planned
		}

		record.Replies = append(record.Replies, reply)
	}

	return record
}

func remember(t *testing.T, events []past) *memory {
	t.Helper()

	var (
		m        memory
		takeover store.Takeover
	)

	for i, p := range events {
		if p.handsOff {
			takeover = store.Takeover{By: store.HandedOff, Event: p.record(t, i).Event.ID}
		}
	}

	for i, p := range events {
		m.add(p.record(t, i), takeover)
	}

	return &m
}

func TestMemory(t *testing.T) {
	done := store.Done

	for name, c := range map[string]struct {
		events []past
		want   []string // role and text
	}{
		"question and answer in two parts": {
			[]past{{message: textOf("hola"), state: done, answers: []string{"buenas", "¿qué tal?"}}},
			[]string{"person hola", "ai buenas", "ai ¿qué tal?"},
		},
		"texts that were answered together": {
			[]past{
				{message: textOf("hola"), state: done, answers: []string{"abrimos"}, answeredIn: time.Hour},
				{message: textOf("¿abren?"), state: done},
				{message: textOf("¿hoy?"), state: done},
			},
			[]string{"person hola", "person ¿abren?", "person ¿hoy?", "ai abrimos"},
		},
		"an edit before the answer": {
			[]past{
				{message: textOf("hila"), state: done, answers: []string{"buenas"}, answeredIn: time.Hour},
				{message: `"type":"edit","edit":{"original_message_id":"wamid.0","message":` +
					`{"type":"text","text":{"body":"hola"}}}`, state: done},
			},
			[]string{"person hola", "ai buenas"},
		},
		"an edit after the answer": {
			[]past{
				{message: textOf("el azul"), state: done, answers: []string{"anotado"}},
				{message: `"type":"edit","edit":{"original_message_id":"wamid.0","message":` +
					`{"type":"text","text":{"body":"el rojo"}}}`, state: done, answers: []string{"el rojo, entonces"}},
			},
			[]string{"person el azul", "ai anotado", "person [changed an earlier message to] el rojo", "ai el rojo, entonces"},
		},
		"words that the person deleted": {
			[]past{
				{message: textOf("secreto"), state: done, answers: []string{"anotado"}},
				{message: `"type":"revoke","revoke":{"original_message_id":"wamid.0"}`, state: store.Skipped},
			},
			[]string{"ai anotado"},
		},
		"a transcript, a photo and a place": {
			[]past{
				{message: `"type":"audio","audio":{"id":"1","voice":true}`, state: done, transcript: "quiero dos", answers: []string{"bien"}},
				{message: `"type":"image","image":{"id":"1","caption":"de estas"}`, state: done, answers: []string{"bien"}},
				{message: `"type":"audio","audio":{"id":"1","voice":true}`, state: done, answers: []string{"bien"}},
			},
			[]string{"person quiero dos", "ai bien", "person [photo] de estas", "ai bien", "person [voice message]", "ai bien"},
		},
		"messages without an answer": {
			[]past{
				{message: textOf("sin respuesta"), state: done},
				{message: textOf("carta muerta"), state: store.Dead},
				{message: textOf("con disculpa"), state: store.Dead, answers: []string{"lo siento"}},
				{message: textOf("retenida"), state: store.Skipped},
				{message: textOf("no enviada"), state: done, answers: []string{"nunca"}, unsent: true},
				{message: `"type":"reaction","reaction":{"emoji":"👍"}`, state: store.Skipped},
			},
			[]string{"person sin respuesta", "person con disculpa", "ai lo siento", "person no enviada"},
		},
		"people had the conversation": {
			[]past{
				{message: textOf("quiero hablar con alguien"), state: done, answers: []string{"un colega le escribe"}, handsOff: true},
				{message: textOf("¿hola?"), state: store.Human},
				{byDesk: true, state: done, answers: []string{"soy Luis"}},
				{message: textOf("gracias"), state: store.Human},
				{message: textOf("otra cosa"), state: done, answers: []string{"dígame"}},
			},
			[]string{
				"person quiero hablar con alguien", "ai un colega le escribe", "handoff ", "person ¿hola?", "desk soy Luis",
				"person gracias", "person otra cosa", "ai dígame",
			},
		},
		"people took the conversation over": {
			[]past{
				{message: textOf("hola"), state: done, answers: []string{"buenas"}},
				{message: textOf("¿y Luis?"), state: store.Human},
				{message: textOf("¿sí?"), state: store.Human},
			},
			[]string{"person hola", "ai buenas", "handoff ", "person ¿y Luis?", "person ¿sí?"},
		},
		"a message without a question": {
			[]past{
				{state: done, answers: []string{"su pedido llegó"}},
				{message: textOf("gracias"), state: done, answers: []string{"a usted"}},
				{state: done, answers: []string{"¿algo más?"}},
			},
			[]string{"ai su pedido llegó", "person gracias", "ai a usted", "ai ¿algo más?"},
		},
	} {
		var got []string
		for _, turn := range remember(t, c.events).newest(20, 24_000) {
			got = append(got, string(turn.Role)+" "+turn.Text)
		}

		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: turns (-want +got):\n%s", name, diff)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var events []past
	for i := range 6 {
		text := fmt.Sprintf("ñ%d", i)
		events = append(events, past{message: textOf(text), state: store.Done, answers: []string{text}})
	}

	m := remember(t, events)

	for _, c := range []struct {
		turns, characters int
		want              int // turns; each has two parts of two characters
	}{
		{20, 24_000, 6},
		{2, 24_000, 2},
		{20, 24, 6},
		{20, 23, 5},
		{20, 4, 1},
		{20, 3, 0},
	} {
		got := m.newest(c.turns, c.characters)
		if len(got) != 2*c.want {
			t.Errorf("%d turns of %d characters: %d parts, want %d", c.turns, c.characters, len(got), 2*c.want)
		}

		if c.want > 0 && (got[len(got)-1].Text != "ñ5" || got[0].Role != assistant.FromPerson) {
			t.Errorf("%d turns of %d characters are not the newest: %v", c.turns, c.characters, got)
		}
	}
}

// TestMemoryOfAGroup checks that the words of a group keep the names of their writers.
func TestMemoryOfAGroup(t *testing.T) {
	payload, err := json.Marshal(whatsapp.Item{
		Kind:    whatsapp.ItemMessage,
		Contact: json.RawMessage(`{"wa_id":"573001234567","profile":{"name":"Ana"}}`),
		Raw:     json.RawMessage(`{"id":"wamid.1","from":"573001234567","group_id":"g","type":"text","text":{"body":"hola"}}`),
	})
	if err != nil {
		t.Fatal(err)
	}

	var m memory
	m.add(store.Record{Work: store.Work{Event: store.Event{
		Kind:       store.KindMessage,
		State:      store.Done,
		Payload:    payload,
		ReceivedAt: historyStart,
	}}}, store.Takeover{})

	want := []assistant.HistoryMessage{{
		Role:    assistant.FromPerson,
		Text:    "hola",
		Speaker: "Ana",
		At:      historyStart,
	}}
	if diff := cmp.Diff(want, m.newest(1, 100)); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}
}
