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

var update = flag.Bool("update", false, "rewrite testdata/split")

// parsed is an item as Split and the methods of its part parse it.
type parsed struct {
	Kind         ItemKind        `json:"part"`
	Field        string          `json:"field,omitempty"`
	WABAID       string          `json:"waba_id,omitempty"`
	Time         string          `json:"entry_time,omitempty"`
	Number       Text            `json:"number,omitempty"`
	Contact      *Contact        `json:"contact,omitempty"`
	Message      *parsedMessage  `json:"message,omitempty"`
	Status       *Status         `json:"status,omitempty"`
	Rank         int             `json:"rank,omitempty"`
	ErrorCode    *int            `json:"error_code,omitempty"`
	Echoes       []parsedEcho    `json:"echoes,omitempty"`
	Unparsed     json.RawMessage `json:"unparsed,omitempty"`
	ParseFailure string          `json:"parse_failure,omitempty"`
}

type parsedEcho struct {
	Echo
	Conversation string   `json:"conversation,omitempty"`
	Aliases      []string `json:"aliases,omitempty"`
}

type parsedMessage struct {
	ID           Text            `json:"id,omitempty"`
	Type         Text            `json:"type,omitempty"`
	Conversation string          `json:"conversation"`
	Aliases      []string        `json:"aliases,omitempty"`
	Referral     json.RawMessage `json:"referral,omitempty"`
	Text         string          `json:"text,omitempty"`
	Media        *Media          `json:"media,omitempty"`
	Location     *Location       `json:"location,omitempty"`
	Contacts     json.RawMessage `json:"contacts,omitempty"`
	Interactive  *Interactive    `json:"interactive,omitempty"`
	Button       *Button         `json:"button,omitempty"`
	System       *System         `json:"system,omitempty"`
}

func parse(item Item) parsed {
	p := parsed{
		Kind:   item.Kind,
		Field:  item.Field,
		WABAID: item.WABAID,
		Time:   item.Time,
		Number: item.Metadata.PhoneNumberID,
	}
	if item.Contact != nil {
		p.Contact = new(ParseContact(item.Contact))
	}

	fail := func(err error) {
		if err != nil {
			p.ParseFailure = err.Error()
		}
	}
	switch item.Kind {
	case ItemMessage:
		m, err := item.Message()
		if err == nil {
			p.Message = new(parseMessage(m, string(item.Metadata.PhoneNumberID)))
		}

		fail(err)
	case ItemStatus:
		status, err := ParseStatus(item.Raw)
		if err == nil {
			p.Rank = status.Rank()
			p.Status = &status
		}

		fail(err)
	case ItemError:
		code, err := ParseErrorCode(item.Raw)
		if err == nil {
			p.ErrorCode = &code
		}

		fail(err)
	case ItemField:
		SplitEchoes(item.Raw, func(echo Echo) bool {
			lane, aliases := echo.Conversation(string(item.Metadata.PhoneNumberID))
			p.Echoes = append(p.Echoes, parsedEcho{echo, lane, aliases})

			return true
		})
	default:
		p.Unparsed = item.Raw
	}

	return p
}

func parseMessage(m Message, number string) parsedMessage {
	s := parsedMessage{
		ID:           m.ID,
		Type:         m.Type,
		Conversation: m.Conversation(number),
		Aliases:      m.Aliases(number),
		Referral:     m.Referral,
		Text:         m.TextBody(),
	}
	s.Media = present(m.Media())
	s.Location = present(m.Location())
	s.Contacts, _ = m.Contacts()
	s.Interactive = present(m.Interactive())
	s.Button = present(m.Button())

	s.System = present(m.System())

	return s
}

func present[T any](value T, ok bool) *T {
	if !ok {
		return nil
	}

	return &value
}

// TestGolden compares the parsed deliveries of testdata/deliveries with testdata/split.
func TestGolden(t *testing.T) {
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

			all := make([]parsed, len(items))
			for i, item := range items {
				all[i] = parse(item)
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
				t.Errorf("%s parsed (-want +got):\n%s", file, diff)
			}
		})
	}
}

// Messages of Meta's own agent and of a history import never become items of ItemMessage.
func TestOtherFieldsAreNotMessages(t *testing.T) {
	for _, file := range []string{"field.standby", "field.standby.echo", "field.history.media", "field.smb_message_echoes", "field.calls.status"} {
		body, err := os.ReadFile(filepath.Join("testdata", "deliveries", file+".json"))
		if err != nil {
			t.Fatal(err)
		}

		items, err := Split(body)
		if err != nil || len(items) != 1 || items[0].Kind != ItemField {
			t.Errorf("%s became %+v, %v; want one item of ItemField", file, items, err)
		}
	}
}
