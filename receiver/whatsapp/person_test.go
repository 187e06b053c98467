// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// onlyMessage returns the first message of a delivery with these contacts and messages.
func onlyMessage(t *testing.T, contacts, messages string) Message {
	t.Helper()

	items, err := Split([]byte(change(`{"contacts":[` + contacts + `],"messages":[` + messages + `]}`)))
	if err != nil {
		t.Fatal(err)
	}

	m, err := items[0].Message()
	if err != nil {
		t.Fatal(err)
	}

	return m
}

func TestSender(t *testing.T) {
	for name, tc := range map[string]struct {
		contacts, message string
		want              Person
	}{
		"number and user ids": {
			message: `{"from":"573","from_user_id":"CO.1","from_parent_user_id":"CO.ENT.1"}`,
			want:    Person{WaID: "573", UserID: "CO.1", ParentID: "CO.ENT.1"},
		},
		"parent user id without its prefix": {
			message: `{"parent_user_id":"CO.ENT.1"}`,
			want:    Person{ParentID: "CO.ENT.1"},
		},
		"number with a plus": {message: `{"from":"+573"}`, want: Person{WaID: "573"}},
		"number as people write it": {
			message: `{"from":"+57 (300) 555-0101"}`,
			want:    Person{WaID: "573005550101"},
		},
		"user id in from": {message: `{"from":"US.1234"}`, want: Person{UserID: "US.1234"}},
		"parent user id in from": {
			message: `{"from":"US.ENT.1234","from_parent_user_id":"US.ENT.1234"}`,
			want:    Person{ParentID: "US.ENT.1234"},
		},
		"user id in from, twice": {
			message: `{"from":"US.1234","from_user_id":"US.1234"}`,
			want:    Person{UserID: "US.1234"},
		},
		"only the contact": {
			contacts: `{"user_id":"CO.1","parent_user_id":"CO.ENT.1"}`,
			message:  `{"id":"w"}`,
			want:     Person{UserID: "CO.1", ParentID: "CO.ENT.1"},
		},
		"only the contact, with a user id as number": {
			contacts: `{"wa_id":"CO.1"}`,
			message:  `{"id":"w"}`,
			want:     Person{UserID: "CO.1"},
		},
		"the same contact twice": {
			contacts: `{"user_id":"CO.1"},{"user_id":"CO.1","profile":{"name":"Ana"}}`,
			message:  `{"id":"w"}`,
			want:     Person{UserID: "CO.1"},
		},
		"the only contact that is an object": {
			contacts: `null,{"user_id":"CO.1"},3`,
			message:  `{"id":"w"}`,
			want:     Person{UserID: "CO.1"},
		},
		"a contact beside one without a number and id": {
			contacts: `{"profile":{"name":"Ana"}},{"user_id":"CO.1","profile":{"name":"Luis"}}`,
			message:  `{"id":"w","from":"573"}`,
			want:     Person{WaID: "573"},
		},
		"a contact beside one without a number and id, and no name": {
			contacts: `{"user_id":"CO.1","profile":{"name":"Luis"}},{"profile":{"name":"Ana"}}`,
			message:  `{"id":"w"}`,
		},
		"a contact with a long name": {
			contacts: `{"wa_id":"573","user_id":"CO.1","profile":{"name":"` + strings.Repeat("x", maxCommon) + `"}}`,
			message:  `{"id":"w"}`,
			want:     Person{WaID: "573", UserID: "CO.1"},
		},
		"a contact with a long user id": {
			contacts: `{"wa_id":"573","user_id":"` + strings.Repeat("x", maxCommon) + `"}`,
			message:  `{"id":"w"}`,
			want:     Person{WaID: "573"},
		},
		"a long contact without a name": {
			contacts: `"` + strings.Repeat("x", maxCommon) + `"`,
			message:  `{"id":"w"}`,
		},
		"several contacts and no name": {
			contacts: `{"wa_id":"573"},{"wa_id":"574"}`,
			message:  `{"id":"w"}`,
		},
		"names from the contact of the same number": {
			contacts: `{"wa_id":"574","user_id":"CO.2"},{"wa_id":"573","user_id":"CO.1"}`,
			message:  `{"from":"573"}`,
			want:     Person{WaID: "573", UserID: "CO.1"},
		},
		"names from the contact of the same user id": {
			contacts: `{"wa_id":"574","user_id":"CO.2"},{"wa_id":"573","user_id":"CO.1"}`,
			message:  `{"from_user_id":"CO.1"}`,
			want:     Person{WaID: "573", UserID: "CO.1"},
		},
		"names from the contact of the same parent user id": {
			contacts: `{"wa_id":"574"},{"wa_id":"573","parent_user_id":"CO.ENT.1"}`,
			message:  `{"from_parent_user_id":"CO.ENT.1"}`,
			want:     Person{WaID: "573", ParentID: "CO.ENT.1"},
		},
		"names of the single contact that has others": {
			contacts: `{"user_id":"CO.1"}`,
			message:  `{"from":"573"}`,
			want:     Person{WaID: "573", UserID: "CO.1"},
		},
		"a number in two forms": {
			contacts: `{"wa_id":"5531988","user_id":"BR.1"}`,
			message:  `{"from":"553188","from_user_id":"BR.1"}`,
			want:     Person{WaID: "553188", UserID: "BR.1", OtherWaID: "5531988"},
		},
		"a contact of another number": {
			contacts: `{"wa_id":"574","user_id":"CO.2"}`,
			message:  `{"from":"573"}`,
			want:     Person{WaID: "573"},
		},
		"nothing": {message: `{"id":"w"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, onlyMessage(t, tc.contacts, tc.message).Sender()); diff != "" {
				t.Errorf("sender (-want +got):\n%s", diff)
			}
		})
	}
}

// A single contact is the sender's even with another number, unless the messages have several senders.
func TestContactOfSeveralMessages(t *testing.T) {
	for name, tc := range map[string]struct {
		messages string
		want     []Text // the name of each contact
	}{
		"one message":                   {`{"from":"574"}`, []Text{"Ana"}},
		"messages of one person":        {`{"from":"574"},{"from":"574"}`, []Text{"Ana", "Ana"}},
		"messages of different persons": {`{"from":"573"},{"from":"574"}`, []Text{"Ana", ""}},
		"one without a name":            {`{"id":"w"},{"from":"574"},{"from":"573"}`, []Text{"Ana", "", "Ana"}},
	} {
		t.Run(name, func(t *testing.T) {
			items, err := Split([]byte(change(`{"contacts":[{"wa_id":"573","profile":{"name":"Ana"}}],"messages":[` + tc.messages + `]}`)))
			if err != nil {
				t.Fatal(err)
			}

			var got []Text
			for _, item := range items {
				got = append(got, ParseContact(item.Contact).Name)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("names of the contacts (-want +got):\n%s", diff)
			}
		})
	}
}

// A contact that Meta sends without a list around it is the only one. Anything else is kept, and does not become a person.
func TestContactsOfAnotherShape(t *testing.T) {
	for contacts, want := range map[string]struct {
		person Person
		kinds  []ItemKind
	}{
		`{"user_id":"CO.1"}`: {Person{UserID: "CO.1"}, []ItemKind{ItemMessage}},
		`null`:               {Person{}, []ItemKind{ItemMessage}},
		`[]`:                 {Person{}, []ItemKind{ItemMessage}},
		`"CO.1"`:             {Person{}, []ItemKind{ItemMessage, ItemUnknown}},
		`7`:                  {Person{}, []ItemKind{ItemMessage, ItemUnknown}},
	} {
		items, err := Split([]byte(change(`{"contacts":` + contacts + `,"messages":[{"id":"w","type":"text"}]}`)))
		if err != nil {
			t.Fatal(err)
		}

		var kinds []ItemKind
		for _, item := range items {
			kinds = append(kinds, item.Kind)
		}

		message, err := items[0].Message()
		if err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(want.kinds, kinds); diff != "" || message.Sender() != want.person {
			t.Errorf("contacts %s: sender %+v, want %+v; kinds (-want +got):\n%s", contacts, message.Sender(), want.person, diff)
		}
	}
}

func TestAliases(t *testing.T) {
	const changed = `"type":"system","system":{"type":"user_changed_user_id","user_id":"CO.2","parent_user_id":"CO.ENT.2"`

	for name, tc := range map[string]struct {
		message string
		lane    string
		aliases []string
	}{
		"all names": {
			`{"from":"573","from_user_id":"CO.1","from_parent_user_id":"CO.ENT.1"}`,
			"42:573",
			[]string{"42:CO.1", "42:CO.ENT.1"},
		},
		"a group":      {`{"from":"573","from_user_id":"CO.1","group_id":"g"}`, "42:group:g", nil},
		"a new number": {`{"from":"573","type":"system","system":{"type":"user_changed_number","wa_id":"574"}}`, "42:573", []string{"42:574"}},
		"new user ids": {
			`{` + changed + `,"previous_user_id":"CO.1","previous_parent_user_id":"CO.ENT.1"}}`,
			"42:CO.1",
			[]string{"42:CO.ENT.1", "42:CO.2", "42:CO.ENT.2"},
		},
		"new user ids alone": {`{` + changed + `}}`, "42:CO.2", []string{"42:CO.ENT.2"}},
		"the old user id in words": {
			`{` + changed + `,"body":"User Ana changed from CO.1 to CO.2"}}`,
			"42:CO.1",
			[]string{"42:CO.2", "42:CO.ENT.2"},
		},
		"the old number in words": {
			`{"type":"system","system":{"type":"user_changed_number","wa_id":"574","body":"Ana changed from +573 to +574."}}`,
			"42:573",
			[]string{"42:574"},
		},
		"the words of a name": {
			`{` + changed + `,"body":"User changed from CO.9 to CO.2 changed from CO.1 to CO.2"}}`,
			"42:CO.1",
			[]string{"42:CO.2", "42:CO.ENT.2"},
		},
		"words about another":       {`{` + changed + `,"body":"User Ana changed from CO.1 to CO.3"}}`, "42:CO.2", []string{"42:CO.ENT.2"}},
		"words without an old name": {`{` + changed + `,"body":"User Ana changed from nothing to CO.2"}}`, "42:CO.2", []string{"42:CO.ENT.2"}},
		"another report":            {`{"from":"573","type":"system","system":{"type":"customer_identity_changed","wa_id":"574"}}`, "42:573", nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := onlyMessage(t, "", tc.message)
			if got := m.Conversation("42"); got != tc.lane {
				t.Errorf("Conversation() = %q, want %q", got, tc.lane)
			}

			if diff := cmp.Diff(tc.aliases, m.Aliases("42")); diff != "" {
				t.Errorf("Aliases() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMissingType(t *testing.T) {
	for name, tc := range map[string]struct {
		message string
		want    Text
	}{
		"location":                    {`{"id":"w","location":{"latitude":1,"longitude":2}}`, "location"},
		"contacts":                    {`{"id":"w","contacts":[{}]}`, "contacts"},
		"text beside context":         {`{"id":"w","context":{"id":"v"},"text":{"body":"hi"},"referral":{}}`, "text"},
		"a known type beside another": {`{"id":"w","a":{},"image":{"id":"1"}}`, "image"},
		"a type that Meta adds":       {`{"id":"w","hologram":{"id":"1"}}`, "hologram"},
		"null":                        {`{"id":"w","type":null,"sticker":{"id":"1"}}`, "sticker"},
		"an object":                   {`{"id":"w","type":{},"audio":{"id":"1"}}`, "audio"},
		"a type stands":               {`{"id":"w","type":"order","text":{"body":"hi"}}`, "order"},
		"content of another shape":    {`{"id":"w","text":"hi"}`, ""},
		"no content":                  {`{"id":"w","from":"573","context":{},"errors":[{"code":1}]}`, ""},
	} {
		m, err := ParseMessage(raw(tc.message))
		if err != nil {
			t.Fatal(err)
		}

		if m.Type != tc.want {
			t.Errorf("%s: type %q, want %q", name, m.Type, tc.want)
		}
	}
}
