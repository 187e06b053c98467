// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package persondata

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// kindsOfStore returns the constants of package store that are kinds of events.
func kindsOfStore(t *testing.T) []store.Kind {
	t.Helper()

	files, err := filepath.Glob("../store/*.go")
	if err != nil {
		t.Fatal(err)
	}

	var kinds []store.Kind

	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}

		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "Kind") || len(spec.Values) != 1 {
				return true
			}

			if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
				kind, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}

				kinds = append(kinds, store.Kind(kind))
			}

			return true
		})
	}

	return kinds
}

// marked is what a person's events hold in this test.
func marked(person string) string { return "OF-" + person }

// payloadsInGroup returns an event's payload of each kind about what a person did in the group. A kind without a payload holds
// nothing of a person: state why.
func payloadsInGroup(person string) map[store.Kind][]byte {
	item := func(kind whatsapp.ItemKind, field, raw string) whatsapp.Item {
		return whatsapp.Item{
			Kind:     kind,
			Field:    field,
			Metadata: whatsapp.Metadata{PhoneNumberID: number},
			Raw:      json.RawMessage(raw),
		}
	}
	encode := func(value any) []byte {
		encoded, _ := json.Marshal(value) // texts and times always encode
		return encoded
	}

	message := item(whatsapp.ItemMessage, "messages", fmt.Sprintf(
		`{"id":"wamid.k","from":%q,"group_id":%q,"type":"text","text":{"body":%q}}`, person, group, marked(person)))
	status := item(whatsapp.ItemStatus, "messages", fmt.Sprintf(
		`{"id":"wamid.k","status":"failed","recipient_id":%q,"recipient_type":"group","recipient_participant_id":%q,"errors":[{"title":%q}]}`,
		group, person, marked(person)))
	listed := fmt.Sprintf(`{"list":[{"wa_id":%q,"text":%q}]}`, person, marked(person))
	posted := outbound.Message{
		Role: outbound.Assistant,
		Item: message,
		Body: encode(map[string]string{"response": marked(person)}),
	}
	ofMessage := map[string]string{ana: "wamid.a", luis: "wamid.b"}[person]

	return map[store.Kind][]byte{
		store.KindMessage:        message.Encode(),
		store.KindThreadPass:     message.Encode(),
		store.KindStatus:         status.Encode(),
		store.KindStatusReport:   status.Encode(),
		store.KindError:          item(whatsapp.ItemError, "messages", listed).Encode(),
		store.KindField:          item(whatsapp.ItemField, "group_participants_update", listed).Encode(),
		store.KindUnknown:        item(whatsapp.ItemUnknown, "messages", listed).Encode(),
		store.KindOutbound:       encode(posted),
		store.KindAnswerDeadline: encode(posted),
		store.KindDeskMessage: encode(handoff.Message{
			Method: handoff.HumanMessage,
			Common: assistant.Common{PhoneNumberID: number, From: &person, GroupID: group},
			Text:   marked(person),
		}),
		store.KindNotice: encode(notice.Notice{
			Type:    notice.HandedOff,
			Subject: store.NewID(store.KindMessage, number, ofMessage).String(),
			Data:    encode(notice.Handoff{Reason: marked(person)}),
		}),
		store.KindAnswered: nil, // it has neither a lane nor a payload; its id is a hash
		"a later kind":     item(whatsapp.ItemUnknown, "later", listed).Encode(),
	}
}

// TestEveryKindOfEvent checks that a person is found in each kind of event outside of the person's lanes, that another one is
// not, and that the export has nothing of the other. A new kind needs a case in concerns and in Part, and its line above.
func TestEveryKindOfEvent(t *testing.T) {
	kinds := kindsOfStore(t)
	if len(kinds) < 12 {
		t.Fatalf("package store has the kinds %q, and the test does not find all", kinds)
	}

	for _, kind := range append(kinds, "a later kind") {
		t.Run(string(kind), func(t *testing.T) {
			if _, ok := payloadsInGroup(ana)[kind]; !ok {
				t.Fatal("decide in concerns and Part what an event of this kind holds of a person")
			}

			if payloadsInGroup(ana)[kind] == nil {
				return
			}

			f := newFixture(t)
			f.deliverGroup()

			for _, person := range []string{ana, luis} {
				f.ingest(store.Event{
					ID:            store.NewID(kind, "of", person),
					Kind:          kind,
					State:         store.Done,
					Lane:          "another",
					PhoneNumberID: number,
					Payload:       payloadsInGroup(person)[kind],
					ReceivedAt:    now,
				})
			}

			person := f.find(number + ":" + ana)

			parts, _ := f.parts(person)
			if !strings.Contains(parts, marked(ana)) || strings.Contains(parts, luis) {
				t.Errorf("the export lacks the person, or has another: %s", parts)
			}

			f.erase(number + ":" + ana)

			if left, other := f.contents(marked(ana)), f.contents(marked(luis)); left != 0 || other != 1 {
				t.Errorf("after the erasure %d events of the person are left, and %d of another, want none and 1", left, other)
			}
		})
	}
}
