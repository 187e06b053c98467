// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package questions

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestFeed(t *testing.T) {
	var feed Feed

	feed.Asked(assistant.Asked{}) // to no one

	first, err := feed.Listen()
	if err != nil {
		t.Fatal(err)
	}

	second, err := feed.Listen()
	if err != nil {
		t.Fatal(err)
	}

	feed.Asked(assistant.Asked{Request: assistant.Request{Attempt: 1}})
	first.Close()
	first.Close()
	feed.Asked(assistant.Asked{Request: assistant.Request{Attempt: 2}})

	var got []int

	feed.Close()

	for asked := range second.Questions {
		got = append(got, asked.Request.Attempt)
	}

	if diff := cmp.Diff([]int{1, 2}, got); diff != "" {
		t.Errorf("questions (-want +got):\n%s", diff)
	}

	if _, err := feed.Listen(); !errors.Is(err, ErrClosed) {
		t.Errorf("Listen() after the end = %v", err)
	}
}

func TestASlowListenerLosesQuestions(t *testing.T) {
	var feed Feed

	slow, err := feed.Listen()
	if err != nil {
		t.Fatal(err)
	}

	for range maxQueued + 5 {
		feed.Asked(assistant.Asked{}) // returns although no one reads
	}

	if lost := slow.Lost(); lost != 5 || slow.Lost() != 0 {
		t.Errorf("lost %d, want 5, once", lost)
	}
}

func TestListenersAreBounded(t *testing.T) {
	var feed Feed

	for range maxListeners {
		if _, err := feed.Listen(); err != nil {
			t.Fatal(err)
		}
	}

	if _, err := feed.Listen(); !errors.Is(err, ErrTooMany) {
		t.Errorf("Listen() = %v, want ErrTooMany", err)
	}
}

// needles are what a person and the person's numbers are recognized by.
var needles = []string{"573001234567", "Ana", "secreta", "CO.1349", "wamid.HBgM", "grupo-1", "4.61", "-74.08", "ana.user", "CO.ENT.7", "c-77"}

// everything returns a question of each method, with the needles in each place of a person's words.
func everything() []assistant.Request {
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	common := assistant.Common{
		SchemaVersion:   1,
		EventID:         "9f86d081884c7d659a2feaa0c55ad015",
		Channel:         "whatsapp",
		PhoneNumberID:   "42",
		MessageID:       "wamid.HBgM",
		Timestamp:       "1795430400",
		From:            new("573001234567"),
		GroupID:         "grupo-1",
		ConversationKey: "42:CO.1349",
		ConversationID:  new("c-77"),
		Context:         raw(`{"from":"573001234567","id":"wamid.HBgM","secreta":{"x":["secreta",4.61]}}`),
		Referral:        raw(`{"headline":"secreta","ctwa_clid":"secreta"}`),
		ContactInfo: assistant.Contact{
			WaID:     new("573001234567"),
			Name:     new("Ana"),
			UserID:   new("CO.1349"),
			ParentID: "CO.ENT.7",
			Username: new("ana.user"),
		},
	}

	return []assistant.Request{
		{Method: assistant.ProcessText, Body: assistant.TextMessage{Common: common, Text: "secreta", Analysis: raw(`{"text":"secreta"}`)}},
		{Method: assistant.ProcessDocument, Body: assistant.DocumentMessage{Common: common, Caption: "secreta", Filename: "secreta.pdf", MimeType: "application/pdf"}, Media: &assistant.Media{Filename: "secreta.pdf"}},
		{Method: assistant.ProcessLocation, Body: assistant.LocationMessage{Common: common, Location: assistant.Location{Latitude: 4.61, Longitude: -74.08, Name: "secreta"}}},
		{Method: assistant.ProcessContacts, Body: assistant.ContactsMessage{Common: common, Contacts: []json.RawMessage{raw(`{"name":{"formatted_name":"Ana"},"phones":[{"phone":"+573001234567"}]}`)}}},
		{Method: assistant.ProcessButton, Body: assistant.ButtonInteraction{Common: common, ButtonID: "secreta", ButtonTitle: "secreta"}},
		{Method: assistant.ProcessFlow, Body: assistant.FlowResponse{Common: common, FlowName: "flow", Response: raw(`{"name":"Ana","age":4.61}`)}},
		{Method: assistant.ProcessOrder, Body: assistant.OrderMessage{Common: common, Order: raw(`{"text":"secreta","product_items":[{"item_price":4.61}]}`)}},
		{Method: assistant.ProcessEdit, Body: assistant.EditedMessage{Common: common, OriginalID: "wamid.HBgM", Text: "secreta"}},
		{Method: assistant.ProcessUndelivered, Body: assistant.UndeliveredMessage{Common: common, Errors: raw(`[{"title":"secreta"}]`), Message: raw(`{"from":"573001234567","secret":"secreta"}`)}},
	}
}

func TestPersonsAreMasked(t *testing.T) {
	hide := func(string) string { return "opaque" }

	for _, request := range everything() {
		request.Text = "secreta"
		asked := assistant.Asked{Request: request, Answer: answer.Answer{Replies: []answer.Reply{{Kind: answer.KindText, Text: "secreta"}}}}

		shown, err := Show(asked, false, hide)
		if err != nil {
			t.Fatal(err)
		}

		encoded, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}

		for _, needle := range needles {
			values := strings.ReplaceAll(string(encoded), `"secreta":`, "") // the name of a property
			if strings.Contains(values, needle) {
				t.Errorf("%s shows %q: %s", request.Method, needle, encoded)
			}
		}

		if !strings.Contains(string(encoded), `"[7 characters]"`) || shown.Person != "…4567" || shown.Revealed {
			t.Errorf("%s is shown as %s", request.Method, encoded)
		}

		revealed, err := Show(asked, true, hide)
		if err != nil {
			t.Fatal(err)
		}

		want, err := json.Marshal(request.Body)
		if err != nil || string(want) != string(revealed.Body) || revealed.Text != "secreta" || !revealed.Revealed {
			t.Errorf("%s is revealed as %+v", request.Method, revealed)
		}
	}
}

func TestOutcomes(t *testing.T) {
	asked := assistant.Asked{
		Request: everything()[0],
		Answer:  answer.Answer{Replies: []answer.Reply{{Kind: answer.KindButtons}}, Handoff: &answer.Handoff{}},
		Took:    1500 * time.Millisecond,
	}
	encode := func(string) string { return "" }

	shown, err := Show(asked, false, encode)
	if err != nil {
		t.Fatal(err)
	}

	want := Answer{Kinds: []answer.Kind{answer.KindButtons}, Handoff: true, Milliseconds: 1500}
	if diff := cmp.Diff(want, shown.Answer); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}

	asked = assistant.Asked{Request: everything()[0], Err: &failure.Error{Code: "http_503"}}
	if shown, err = Show(asked, false, encode); err != nil || shown.Answer.Failure != "http_503" {
		t.Errorf("answer = %+v, %v", shown.Answer, err)
	}
}
