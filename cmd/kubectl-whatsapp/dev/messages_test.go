// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestEveryMessageOfAPersonIsAnswered(t *testing.T) {
	f := start(t, Options{})

	for _, c := range []struct {
		message NewMessage
		method  string
		answer  string
	}{
		{
			message: NewMessage{Type: TypeText, Text: "hello"},
			method:  "process_text_message",
			answer:  "You said: hello",
		},
		{
			message: NewMessage{Type: TypeText, Text: "look", Forwarded: true},
			method:  "process_text_message",
			answer:  "You said: look",
		},
		{
			message: NewMessage{Type: TypeLocation, Location: &Location{Latitude: 4.6, Longitude: -74, Name: "Bogotá"}},
			method:  "process_location_message",
			answer:  "You sent: location",
		},
		{
			message: NewMessage{Type: TypeContacts, Contacts: []Contact{{Name: "Luis Paz", Phone: "+57 300 5550102"}}},
			method:  "process_contacts_message",
			answer:  "You sent: contacts",
		},
		{
			message: NewMessage{Type: TypeOrder, Text: "please"},
			method:  "process_order",
			answer:  "You sent: order",
		},
		{
			message: NewMessage{Type: TypeUnsupported},
			method:  "process_undelivered_message",
			answer:  "You sent: undelivered",
		},
	} {
		sent := f.write(c.message)

		question := f.trace(TraceQuestion, c.method+" → 200")
		if question.EventID != sent.EventID || question.Person != sent.Person {
			t.Errorf("%s: the question belongs to %q of %q", c.message.Type, question.EventID, question.Person)
		}

		if answer := f.answer(); answer.Text != c.answer {
			t.Errorf("%s: answered %q, want %q", c.message.Type, answer.Text, c.answer)
		}
	}
}

// upload sends a file of the first person.
func (f *fixture) upload(kind, name, mimeType, caption string, content []byte) (m Message, status int) {
	f.Helper()

	var body bytes.Buffer

	form := multipart.NewWriter(&body)
	for name, value := range map[string]string{
		PartPerson: f.person(),
		PartType:   kind,
		PartText:   caption,
	} {
		if err := form.WriteField(name, value); err != nil {
			f.Fatal(err)
		}
	}

	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`},
		"Content-Type":        {mimeType},
	})
	if err == nil {
		_, err = part.Write(content)
	}

	if err == nil {
		err = form.Close()
	}

	if err != nil {
		f.Fatal(err)
	}

	request, err := http.NewRequestWithContext(f.Context(), http.MethodPost, f.server.URL()+"/api/messages", &body)
	if err != nil {
		f.Fatal(err)
	}

	request.Header.Set("Content-Type", form.FormDataContentType())

	status = f.do(request, &m)

	return m, status
}

func TestEveryFileOfAPersonReachesTheAI(t *testing.T) {
	f := start(t, Options{})

	for _, c := range []struct{ kind, name, mimeType, method string }{
		{TypeImage, "cat.png", "image/png", "process_image_message"},
		{TypeVideo, "cat.mp4", "video/mp4", "process_video_message"},
		{TypeAudio, "song.mp3", "audio/mpeg", "process_audio_message"},
		{TypeVoice, "voice.ogg", "audio/ogg; codecs=opus", "process_audio_message"},
		{TypeDocument, "bill.pdf", "application/pdf", "process_document_message"},
		{TypeSticker, "cat.webp", "image/webp", "process_other_message"},
	} {
		content := []byte("content of " + c.name)

		sent, status := f.upload(c.kind, c.name, c.mimeType, "", content)
		if status != http.StatusCreated {
			t.Fatalf("%s: %d", c.kind, status)
		}

		if c.kind != TypeSticker {
			f.trace(TraceGraph, "downloaded from Meta → 200")
		}

		question := f.trace(TraceQuestion, c.method+" → 200")
		if question.EventID != sent.EventID {
			t.Errorf("%s: the question belongs to %q, want %q", c.kind, question.EventID, sent.EventID)
		}

		f.answer()

		if got := f.get(sent.Media.URL); !bytes.Equal(got, content) {
			t.Errorf("%s: the page gets %q", c.kind, got)
		}

		if sent.Media.Voice != (c.kind == TypeVoice) {
			t.Errorf("%s: voice is %t", c.kind, sent.Media.Voice)
		}
	}
}

// get returns the body of a page's file.
func (f *fixture) get(path string) []byte {
	f.Helper()

	response, err := f.client.Get(f.server.URL() + path)
	if err != nil {
		f.Fatal(err)
	}

	defer func() { _ = response.Body.Close() }()

	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		f.Fatalf("GET %s: %d, %v", path, response.StatusCode, err)
	}

	return body
}

func TestFilesThatWhatsAppDoesNotTakeAreRefused(t *testing.T) {
	f := start(t, Options{})

	for _, c := range []struct {
		kind, mimeType string
		size           int
		want           int
	}{
		{TypeImage, "application/pdf", 1, http.StatusUnprocessableEntity},
		{TypeSticker, "image/png", 1, http.StatusUnprocessableEntity},
		{"painting", "image/png", 1, http.StatusUnprocessableEntity},
		{TypeImage, "image/png", 0, http.StatusUnprocessableEntity},
		{TypeDocument, "application/pdf", maxUpload + 1, http.StatusRequestEntityTooLarge},
	} {
		if _, got := f.upload(c.kind, "x", c.mimeType, "", make([]byte, c.size)); got != c.want {
			t.Errorf("%s of %d bytes of %s: answered %d, want %d", c.kind, c.size, c.mimeType, got, c.want)
		}
	}
}

func TestWhatThePhoneShows(t *testing.T) {
	f := start(t, Options{})

	for text, want := range map[string]Message{
		"buttons": {
			Type:   TypeInteractive,
			Text:   "Which size would you like?",
			Footer: "You can change it later",
			Options: []Option{
				{Kind: OptionReply, ID: "small", Title: "Small"},
				{Kind: OptionReply, ID: "large", Title: "Large"},
			},
		},
		"list": {
			Type:       TypeInteractive,
			Text:       "When shall we deliver?",
			ListButton: "Choose a time",
			Options: []Option{
				{Kind: OptionRow, ID: "noon", Title: "Noon", Description: "From 12 to 14", Section: "Today"},
				{Kind: OptionRow, ID: "evening", Title: "Evening", Description: "From 18 to 20", Section: "Today"},
			},
		},
		"link": {
			Type:    TypeInteractive,
			Text:    "All our cakes are on the web.",
			Options: []Option{{Kind: OptionURL, Title: "Open the shop", URL: "https://example.com/shop"}},
		},
		"contact": {
			Type:     TypeContacts,
			Contacts: []Contact{{Name: "The bakery", Phone: "+57 300 1230000"}},
		},
		"product": {
			Type:     TypeInteractive,
			Text:     "Our best one",
			Products: []Product{{ID: "sku-1", Catalog: catalogID}},
		},
		"template": {
			Type:     TypeTemplate,
			Text:     "Ana",
			Template: &Template{Name: "order_ready", Language: "en", Parameters: []string{"Ana"}},
			Options:  []Option{{Kind: OptionQuickReply, ID: "on-my-way", Title: "on-my-way"}},
		},
		"format": {
			Type: TypeText,
			Text: "*bold*, _italic_, ~strike~, `code`\n\n- a list\n- of two\n\n> and a quote",
		},
		"carousel": {
			Type: TypeInteractive,
			Text: "Our cakes",
			Cards: []Card{
				{
					Media:   &Media{URL: "https://example.com/apple.png"},
					Text:    "Apple",
					Options: []Option{{Kind: OptionReply, ID: "apple", Title: "This one"}},
				},
				{
					Media:   &Media{URL: "https://example.com/plum.png"},
					Text:    "Plum",
					Options: []Option{{Kind: OptionReply, ID: "plum", Title: "This one"}},
				},
			},
		},
		"photo": {
			Type:  TypeImage,
			Text:  "A cake",
			Media: &Media{URL: "https://example.com/cake.png"},
		},
	} {
		f.text(text)

		ignored := cmpopts.IgnoreFields(Message{}, "ID", "Person", "From", "At", "Status", "EventID", "Sender", "ReplyTo")
		if diff := cmp.Diff(want, f.answer(), ignored); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}

	f.text("form")

	if form := f.answer(); form.Options[0].Kind != OptionForm || form.Options[0].Title != "Book" {
		t.Errorf("form: %+v", form)
	}

	f.text("location")

	if place := f.answer(); place.Location == nil || place.Location.Name != "The bakery" {
		t.Errorf("location: %+v", place)
	}

	if request := f.answer(); len(request.Options) != 1 || request.Options[0].Kind != OptionLocation {
		t.Errorf("location request: %+v", request)
	}
}

func TestTaps(t *testing.T) {
	f := start(t, Options{})

	for _, c := range []struct {
		text, option, method string
		form                 map[string]any
		question             map[string]any
	}{
		{
			text:     "buttons",
			option:   "large",
			method:   "process_button_interaction",
			question: map[string]any{"button_id": "large", "button_title": "Large", "source": "interactive"},
		},
		{
			text:     "list",
			option:   "noon",
			method:   "process_list_interaction",
			question: map[string]any{"list_id": "noon", "list_title": "Noon", "list_description": "From 12 to 14"},
		},
		{
			text:     "template",
			option:   "on-my-way",
			method:   "process_button_interaction",
			question: map[string]any{"button_id": "on-my-way", "button_title": "on-my-way", "source": "template"},
		},
		{
			text:     "form",
			option:   "form",
			method:   "process_flow_response",
			form:     map[string]any{"people": 4},
			question: map[string]any{"flow_name": "flow"},
		},
	} {
		f.text(c.text)

		offered := f.answer()

		var tapped Message

		status := f.call(http.MethodPost, "/api/tap", Tap{
			Person:  offered.Person,
			Message: offered.ID,
			Option:  c.option,
			Form:    c.form,
		}, &tapped)
		if status != http.StatusCreated {
			t.Fatalf("%s: %d", c.text, status)
		}

		question := f.trace(TraceQuestion, c.method+" → 200")

		var got map[string]any
		if err := json.Unmarshal([]byte(question.Exchange.Request), &got); err != nil {
			t.Fatal(err)
		}

		for key, want := range c.question {
			if got[key] != want {
				t.Errorf("%s: %s is %v, want %v", c.text, key, got[key], want)
			}
		}

		if response, ok := got["response"].(map[string]any); c.form != nil && (!ok || response["people"] != 4.0) {
			t.Errorf("%s: the form has %v", c.text, got["response"])
		}

		if tapped.ReplyTo != offered.ID {
			t.Errorf("%s: replies to %q", c.text, tapped.ReplyTo)
		}

		f.answer()
	}

	unknown := Tap{Person: f.person(), Message: "wamid.unknown", Option: "x"}
	if status := f.call(http.MethodPost, "/api/tap", unknown, nil); status != http.StatusNotFound {
		t.Errorf("a tap on an unknown message was answered %d", status)
	}
}

func TestReplyEditDeleteAndReact(t *testing.T) {
	f := start(t, Options{})

	sent := f.text("one cake")
	answer := f.answer()

	f.trace(TraceQuestion, "process_text_message")
	f.write(NewMessage{
		Type:    TypeText,
		Text:    "this one",
		ReplyTo: answer.ID,
	})

	if question := f.trace(TraceQuestion, "process_text_message"); !strings.Contains(question.Exchange.Request, answer.ID) {
		t.Errorf("the question has no quoted message: %s", question.Exchange.Request)
	}

	f.answer()

	edit := Edit{Person: sent.Person, Message: sent.ID, Text: "two cakes"}
	if changed := f.change("/api/edit", edit); changed.Text != "two cakes" || !changed.Edited {
		t.Errorf("edited %+v", changed)
	}

	if question := f.trace(TraceQuestion, "process_message_edit"); !strings.Contains(question.Exchange.Request, "two cakes") {
		t.Errorf("the AI is asked %s", question.Exchange.Request)
	}

	react := React{Person: sent.Person, Message: answer.ID, Emoji: "❤️"}
	if diff := cmp.Diff([]Reaction{{From: FromPerson, Emoji: "❤️"}}, f.change("/api/react", react).Reactions); diff != "" {
		t.Error(diff)
	}

	f.trace(TraceQuestion, "process_other_message")

	react.Emoji = ""
	if changed := f.change("/api/react", react); len(changed.Reactions) != 0 {
		t.Errorf("the reaction stays: %+v", changed.Reactions)
	}

	f.trace(TraceQuestion, "process_other_message")

	deletion := Delete{Person: sent.Person, Message: sent.ID}
	if changed := f.change("/api/delete", deletion); changed.Text != "" || !changed.Deleted {
		t.Errorf("deleted %+v", changed)
	}

	f.trace(TraceQuestion, "process_message_revoke")

	if status := f.call(http.MethodPost, "/api/edit", edit, nil); status != http.StatusConflict {
		t.Errorf("the edit of a deleted message was answered %d", status)
	}
}

// change posts a change of a message and returns the message.
func (f *fixture) change(path string, change any) (m Message) {
	f.Helper()

	if status := f.call(http.MethodPost, path, change, &m); status != http.StatusOK {
		f.Fatalf("POST %s: %d", path, status)
	}

	return m
}

func TestTheBusinessReacts(t *testing.T) {
	f := start(t, Options{})
	sent := f.text("reaction")

	changed := wait(f, StreamEdit, func(m Message) bool { return m.ID == sent.ID && len(m.Reactions) > 0 })
	if diff := cmp.Diff([]Reaction{{From: FromBusiness, Emoji: "👍"}}, changed.Reactions); diff != "" {
		t.Error(diff)
	}
}

func TestSeveralPeople(t *testing.T) {
	f := start(t, Options{})

	var luis Person
	if status := f.call(http.MethodPost, "/api/people", NewPerson{Name: "Luis"}, &luis); status != http.StatusCreated {
		t.Fatalf("POST /api/people: %d", status)
	}

	f.write(NewMessage{
		Person: luis.ID,
		Type:   TypeText,
		Text:   "hello",
	})

	if answer := f.answer(); answer.Person != luis.ID {
		t.Errorf("%q got the answer", answer.Person)
	}

	taken := NewPerson{Name: "Eva", Number: "+" + luis.Number}
	if status := f.call(http.MethodPost, "/api/people", taken, nil); status != http.StatusConflict {
		t.Errorf("a number twice was answered %d", status)
	}

	status := http.StatusCreated
	for range maxPeople {
		status = f.call(http.MethodPost, "/api/people", NewPerson{Name: "Eva"}, nil)
	}

	if status != http.StatusConflict || len(f.state().People) != maxPeople {
		t.Errorf("%d people, the last one answered %d", len(f.state().People), status)
	}
}
