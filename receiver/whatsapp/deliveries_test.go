// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/split anew")

// seen is what Split and the accessors make of one item.
type seen struct {
	Part         Part            `json:"part"`
	Field        string          `json:"field,omitempty"`
	WABAID       string          `json:"waba_id,omitempty"`
	Time         string          `json:"entry_time,omitempty"`
	Number       Text            `json:"number,omitempty"`
	Contact      *Contact        `json:"contact,omitempty"`
	Message      *seenMessage    `json:"message,omitempty"`
	Status       *Status         `json:"status,omitempty"`
	Rank         int             `json:"rank,omitempty"`
	Error        *ReportedError  `json:"error,omitempty"`
	Echoes       []seenEcho      `json:"echoes,omitempty"`
	Unparsed     json.RawMessage `json:"unparsed,omitempty"`
	ParseFailure string          `json:"parse_failure,omitempty"`
}

type seenEcho struct {
	Echo
	Conversation string `json:"conversation,omitempty"`
	Alias        string `json:"alias,omitempty"`
}

type seenMessage struct {
	ID               Text            `json:"id,omitempty"`
	Type             Text            `json:"type,omitempty"`
	Conversation     string          `json:"conversation"`
	Alias            string          `json:"alias,omitempty"`
	NewConversations []string        `json:"new_conversations,omitempty"`
	ContextID        Text            `json:"context_id,omitempty"`
	Forwarded        bool            `json:"forwarded,omitempty"`
	Frequently       bool            `json:"frequently_forwarded,omitempty"`
	Referral         json.RawMessage `json:"referral,omitempty"`
	Errors           []ReportedError `json:"errors,omitempty"`
	Text             string          `json:"text,omitempty"`
	Media            *Media          `json:"media,omitempty"`
	Location         *Location       `json:"location,omitempty"`
	Contacts         json.RawMessage `json:"contacts,omitempty"`
	Interactive      *Interactive    `json:"interactive,omitempty"`
	Button           *Button         `json:"button,omitempty"`
	Reaction         *Reaction       `json:"reaction,omitempty"`
	Order            *Order          `json:"order,omitempty"`
	System           *System         `json:"system,omitempty"`
	Edit             *seenEdit       `json:"edit,omitempty"`
	Revoked          Text            `json:"revoked,omitempty"`
}

type seenEdit struct {
	OriginalID Text        `json:"original_id"`
	Message    seenMessage `json:"message"`
}

func look(item Item) seen {
	s := seen{
		Part:   item.Part,
		Field:  item.Field,
		WABAID: item.WABAID,
		Time:   item.Time,
		Number: item.Metadata.PhoneNumberID,
	}
	if item.Contact != nil {
		s.Contact = new(ParseContact(item.Contact))
	}

	fail := func(err error) {
		if err != nil {
			s.ParseFailure = err.Error()
		}
	}
	switch item.Part {
	case PartMessage:
		m, err := ParseMessage(item.Raw)
		if err == nil {
			s.Message = new(lookAt(m, string(item.Metadata.PhoneNumberID)))
		}

		fail(err)
	case PartStatus:
		status, err := ParseStatus(item.Raw)
		if err == nil {
			s.Rank = status.Rank()
			status.Raw = nil
			s.Status = &status
		}

		fail(err)
	case PartError:
		reported, err := ParseReportedError(item.Raw)
		if err == nil {
			s.Error = &reported
		}

		fail(err)
	case PartField:
		for _, echo := range ParseEchoes(item.Raw) {
			number := string(item.Metadata.PhoneNumberID)
			s.Echoes = append(s.Echoes, seenEcho{echo, echo.Conversation(number), echo.Alias(number)})
		}
	default:
		s.Unparsed = item.Raw
	}

	return s
}

func lookAt(m Message, number string) seenMessage {
	s := seenMessage{
		ID:               m.ID,
		Type:             m.Type,
		Conversation:     m.Conversation(number),
		Alias:            m.Alias(number),
		NewConversations: m.NewConversations(number),
		ContextID:        m.ContextID(),
		Referral:         m.Referral,
		Errors:           m.Errors(),
		Text:             m.TextBody(),
	}
	s.Forwarded, s.Frequently = m.Forwarded()
	s.Media = present(m.Media())
	s.Location = present(m.Location())
	s.Contacts, _ = m.Contacts()
	s.Interactive = present(m.Interactive())
	s.Button = present(m.Button())
	s.Reaction = present(m.Reaction())
	s.Order = present(m.Order())

	s.System = present(m.System())
	if edit, ok := m.Edit(); ok {
		s.Edit = &seenEdit{OriginalID: edit.OriginalID, Message: lookAt(edit.Message, number)}
	}

	s.Revoked, _ = m.Revoke()

	return s
}

func present[T any](value T, ok bool) *T {
	if !ok {
		return nil
	}

	return &value
}

// TestDeliveries holds what is made of each delivery of testdata/deliveries against testdata/split.
func TestDeliveries(t *testing.T) {
	files, err := filepath.Glob("testdata/deliveries/*.json")
	if err != nil {
		t.Fatal(err)
	}

	if len(files) < 60 {
		t.Fatalf("found %d deliveries", len(files))
	}

	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}

			items, err := Split(body)
			if err != nil {
				t.Fatal(err)
			}

			all := make([]seen, len(items))
			for i, item := range items {
				all[i] = look(item)
			}

			got, err := json.MarshalIndent(all, "", "  ")
			if err != nil {
				t.Fatal(err)
			}

			golden := filepath.Join("testdata", "split", filepath.Base(file))
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}

			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
				t.Errorf("what is made of %s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// TestOnlyMessagesAreAnswered proves that what Meta's own agent or a history import holds never becomes work.
func TestOnlyMessagesAreAnswered(t *testing.T) {
	for _, file := range []string{"field.standby", "field.standby.echo", "field.history.media", "field.smb_message_echoes", "field.calls.status"} {
		body, err := os.ReadFile(filepath.Join("testdata", "deliveries", file+".json"))
		if err != nil {
			t.Fatal(err)
		}

		items, err := Split(body)
		if err != nil || len(items) != 1 || items[0].Part != PartField {
			t.Errorf("%s became %+v, %v; want one item of PartField", file, items, err)
		}
	}
}
