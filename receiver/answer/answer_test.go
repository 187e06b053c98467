// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	text := func(words ...string) Answer {
		var a Answer
		for _, w := range words {
			a.Replies = append(a.Replies, Reply{Kind: KindText, Text: w})
		}

		return a
	}
	one := func(r Reply) Answer { return Answer{Replies: []Reply{r}} }
	media := func(m ReplyMedia) Answer { return one(Reply{Kind: KindMedia, Media: &m}) }
	yesNo := []Option{{ID: "y", Title: "Yes"}, {ID: "n", Title: "No"}}

	menuOf := func(button string, sections ...Section) Answer {
		return one(Reply{
			Kind: KindList,
			Text: "Which?",
			List: &List{ButtonText: button, Sections: sections},
		})
	}
	for name, tc := range map[string]struct {
		body string
		want Answer
	}{
		"wrapped string": {`{"response": "hi", "metadata":{}} `, text("hi")},
		"wrapped object": {`{"response":{"type":"text","text":"hi","preview_url":true}}`, one(Reply{
			Kind:       KindText,
			Text:       "hi",
			PreviewURL: true,
		})},
		"wrapped list":        {`{"response":["hi",{"type":"text","text":"there"},null]}`, text("hi", "there")},
		"bare string":         {`"hi"`, text("hi")},
		"bare list":           {`["hi"]`, text("hi")},
		"flat object":         {`{"type":"text","text":"hi"}`, text("hi")},
		"flat, no type":       {`{"text":"hi"}`, text("hi")},
		"empty body":          {"  ", Answer{Empty: true}},
		"null":                {"null", Answer{Empty: true}},
		"response null":       {`{"response":null}`, Answer{}},
		"response empty":      {`{"response":""}`, Answer{Empty: true}},
		"response blank":      {`{"response":" \n"}`, Answer{Empty: true}},
		"response empty list": {`{"response":[]}`, Answer{}},
		"type none":           {`{"response":{"type":"none","reason":"x"}}`, Answer{}},
		"accepted for later":  {`{"accepted":true}`, Answer{Later: true}},

		"buttons": {
			`{"response":{"type":"buttons","text":"Sure?","header":null,"footer":"f","buttons":[{"id":"y","title":"Yes"},{"id":"n","title":"No"}]}}`,
			one(Reply{
				Kind:    KindButtons,
				Text:    "Sure?",
				Footer:  "f",
				Buttons: yesNo,
			}),
		},
		"interactive buttons": {
			`{"type":"interactive","interactive_type":"buttons","text":"Sure?","buttons":[{"id":"y","title":" Yes "},{"id":"n","title":"No"}]}`,
			one(Reply{
				Kind:    KindButtons,
				Text:    "Sure?",
				Buttons: yesNo,
			}),
		},
		"buttons without ids": {
			`{"type":"buttons","text":"Sure?","buttons":[{"title":"Yes"},{"id":7,"title":"No"},"Maybe"]}`,
			one(Reply{
				Kind:    KindButtons,
				Text:    "Sure?",
				Buttons: []Option{{ID: "Yes", Title: "Yes"}, {ID: "7", Title: "No"}, {ID: "Maybe", Title: "Maybe"}},
			}),
		},
		"no buttons": {`{"type":"buttons","text":"Sure?","buttons":[]}`, text("Sure?")},
		"four buttons": {
			`{"type":"buttons","text":"Which?","buttons":["a","b","c","d"]}`,
			one(Reply{
				Kind:    KindButtons,
				Text:    "Which?",
				Buttons: []Option{{ID: "a", Title: "a"}, {ID: "b", Title: "b"}, {ID: "c", Title: "c"}, {ID: "d", Title: "d"}},
			}),
		},
		"quick replies in a text": {
			`{"response":{"type":"text","text":"Sure?","quick_replies":["Yes"]}}`,
			one(Reply{
				Kind:    KindButtons,
				Text:    "Sure?",
				Buttons: []Option{{ID: "Yes", Title: "Yes"}},
			}),
		},
		"quick replies beside a response": {
			`{"response":"Sure?","quick_replies":["Yes"]}`,
			one(Reply{
				Kind:    KindButtons,
				Text:    "Sure?",
				Buttons: []Option{{ID: "Yes", Title: "Yes"}},
			}),
		},
		"quick replies beside a flat text": {
			`{"type":"text","text":"Sure?","quick_replies":["Yes"]}`,
			one(Reply{
				Kind:    KindButtons,
				Text:    "Sure?",
				Buttons: []Option{{ID: "Yes", Title: "Yes"}},
			}),
		},
		"a long title is not cut": {
			`{"type":"text","text":"?","quick_replies":["` + strings.Repeat("é", 201) + `"]}`,
			one(Reply{
				Kind:    KindButtons,
				Text:    "?",
				Buttons: []Option{{ID: strings.Repeat("é", 200), Title: strings.Repeat("é", 201)}},
			}),
		},
		"list": {
			`{"response":{"type":"list","text":"Which?","button_text":"Shops","sections":[{"title":"North","rows":[{"id":"1","title":"A","description":"d"}]},{"title":"none","rows":[]}]}}`,
			menuOf("Shops", Section{Title: "North", Rows: []Option{{ID: "1", Title: "A", Description: "d"}}}),
		},
		"interactive list": {
			`{"type":"interactive","interactive_type":"list","text":"Which?","sections":[{"rows":[{"id":"1","title":"A"}]}]}`,
			menuOf("", Section{Rows: []Option{{ID: "1", Title: "A"}}}),
		},

		"image": {`{"type":"image","url":"https://x.example/a.jpg","caption":"c"}`, media(ReplyMedia{
			Type:    "image",
			URL:     "https://x.example/a.jpg",
			Caption: "c",
		})},
		"document": {`{"type":"document","media_id":"5","filename":"a.pdf"}`, media(ReplyMedia{
			Type:     "document",
			MediaID:  "5",
			Filename: "a.pdf",
		})},
		"type media": {`{"type":"media","media_type":"video","media_url":"https://x.example/a.mp4","caption":"c"}`, media(ReplyMedia{
			Type:    "video",
			URL:     "https://x.example/a.mp4",
			Caption: "c",
		})},
		"id over URL": {`{"type":"sticker","media_id":"5","url":"https://x.example/a.webp"}`, media(ReplyMedia{Type: "sticker", MediaID: "5"})},
		"audio with a caption": {`{"type":"audio","media_id":"5","caption":"listen"}`, Answer{Replies: []Reply{
			{Kind: KindMedia, Media: &ReplyMedia{Type: "audio", MediaID: "5"}}, {Kind: KindText, Text: "listen"},
		}}},
		"template": {
			`{"type":"template","name":"hello","language":"es","components":[{"type":"body"}]}`,
			one(Reply{Kind: KindTemplate, Template: &Template{
				Name:       "hello",
				Language:   "es",
				Components: json.RawMessage(`[{"type":"body"}]`),
			}}),
		},
		"template in Meta's form": {
			`{"type":"template","name":"hello","language":{"code":"en_US"},"components":null}`,
			one(Reply{Kind: KindTemplate, Template: &Template{Name: "hello", Language: "en_US"}}),
		},
		"location": {
			`{"type":"location","latitude":0,"longitude":-74.1,"name":"n","address":"a"}`,
			one(Reply{Kind: KindLocation, Location: &Location{
				Longitude: -74.1,
				Name:      "n",
				Address:   "a",
			}}),
		},
		"location in words": {
			`{"type":"location","latitude":"4.711","longitude":"-74"}`,
			one(Reply{Kind: KindLocation, Location: &Location{Latitude: 4.711, Longitude: -74}}),
		},
		"reaction":         {`{"type":"reaction","emoji":"👍"}`, one(Reply{Kind: KindReaction, Emoji: "👍"})},
		"reaction removed": {`{"type":"reaction","emoji":""}`, one(Reply{Kind: KindReaction})},

		"handoff":                        {`{"type":"handoff","reason":"angry","text":"One moment"}`, Answer{Handoff: &Handoff{Reason: "angry", Text: "One moment"}}},
		"handoff in a list":              {`{"response":["hi",{"type":"handoff"}]}`, Answer{Replies: text("hi").Replies, Handoff: &Handoff{}}},
		"handoff beside a response":      {`{"response":"hi","handoff":{"reason":"r"}}`, Answer{Replies: text("hi").Replies, Handoff: &Handoff{Reason: "r"}}},
		"only a handoff":                 {`{"handoff":{"reason":"r"}}`, Answer{Handoff: &Handoff{Reason: "r"}}},
		"handoff null beside a response": {`{"response":"hi","handoff":null}`, text("hi")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Parse() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const word = "mother" // the person's word, which no error may repeat
	for name, tc := range map[string]struct{ body, text string }{
		"not JSON":                        {`<html>mother`, "not JSON"},
		"cut off":                         {`{"response":"mother`, "not JSON"},
		"a boolean":                       {`true`, "neither a string nor an object"},
		"a list in a list":                {`[["mother"]]`, "message 1 is neither a string nor an object"},
		"no known property":               {`{"mother tongue":"mother","result":1}`, "none of the keys response, reply, answer, output, message, text, choices, handoff and type, but result and 1 others"},
		"not accepted":                    {`{"accepted":false}`, "none of the keys response, reply"},
		"an error":                        {`{"error":{"message":"mother"}}`, "is an error"},
		"text of wrong type":              {`{"response":{"type":"text","text":{"mother":1}}}`, "the answer is malformed: text has an unexpected JSON type"},
		"text without text":               {`{"type":"text"}`, "a text without text"},
		"type of wrong type":              {`{"type":3}`, "malformed: type"},
		"handoff of wrong type":           {`{"response":"mother","handoff":"mother"}`, "malformed: handoff"},
		"unknown type":                    {`{"response":["a",{"type":"mother"}]}`, "message 2 is of a type that is not known"},
		"unknown interactive":             {`{"type":"interactive","interactive_type":"mother"}`, "of a type that is not known"},
		"too many":                        {`{"response":["mother"` + strings.Repeat(`,"1"`, maxReplies) + `]}`, "more than 50"},
		"button of wrong type":            {`{"type":"buttons","text":"a","buttons":[{"id":"a","title":["mother"]}]}`, "unexpected JSON type"},
		"quick replies beside a reaction": {`{"response":{"type":"reaction","emoji":"x"},"quick_replies":["mother"]}`, "not beside a text"},
		"media without URL":               {`{"type":"image","caption":"mother"}`, "without url and media_id"},
		"media by path":                   {`{"type":"image","url":"/etc/mother"}`, "not an absolute https URL"},
		"media by file":                   {`{"type":"image","url":"file:///etc/mother"}`, "not an absolute https URL"},
		"media of other type":             {`{"type":"media","media_type":"mother","media_url":"https://x.example"}`, "media_type that is not known"},
		"template without language":       {`{"type":"template","name":"mother"}`, "without name or language"},
		"template components no list":     {`{"type":"template","name":"mother","language":"es","components":{"a":1}}`, "not a list"},
		"location without coordinates":    {`{"type":"location","name":"mother"}`, "without latitude and longitude"},
		"latitude in words":               {`{"type":"location","latitude":"mother","longitude":0}`, "unexpected JSON type"},
		"latitude out of range":           {`{"type":"location","latitude":91,"longitude":0}`, "without latitude and longitude"},
		"reaction without emoji":          {`{"type":"reaction"}`, "without emoji"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := Parse([]byte(tc.body))

			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("Parse() = %+v, %v, want an error that says %q", answer, err, tc.text)
			}

			if err != nil && strings.Contains(err.Error(), word) {
				t.Errorf("error %q repeats the words of the answer", err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"response":[{"type":"text","text":"a"},"b",null]}`, `{"type":"none"}`, `{"accepted":true}`,
		`{"response":"a","quick_replies":["b",{"id":1,"title":"c"}],"handoff":{"reason":"r"}}`,
		`{"type":"buttons","text":"a","buttons":["1","2","3","4"]}`,
		`{"type":"list","text":"a","button_text":"b","sections":[{"title":"s","rows":[{"id":"1","title":"t","description":"d"}]}]}`,
		`{"type":"media","media_type":"audio","media_url":"https://x.example","caption":"c"}`,
		`{"type":"template","name":"n","language":{"code":"es"},"components":[]}`,
		`[{"output":"a"}]`, `{"answer":"a","conversation_id":7}`, `{"message":{"content":[{"type":"text","text":"a"}]}}`,
		`[{"recipient_id":"1","text":"a","buttons":[{"title":"b","payload":"c"}]},{"image":"https://x.example/a"}]`,
		`{"choices":[{"message":{"content":"a"}}]}`, `{"output":{"reply":{"answer":{"output":["a"]}}}}`, `{"x":1}`,
		`{"attachment":{"type":"image","payload":{"src":"https://x.example/a"}},"text":"a"}`, `{"output":"{\"response\":[\"a\",7]}","image":{"url":""}}`, "```json\n[{\"a\":1}]\n```",
		`{"content":[{"type":"x"},{"type":"text","text":{"body":"a"}}],"error":0}`, `{"status":"error","message":"a"}`,
		`{"type":"location","latitude":1,"longitude":2}`, `{"type":"reaction","emoji":"x"}`, `{"type":"handoff","text":"bye"}`,
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, body []byte) {
		answer, err := Parse(body)
		if err != nil {
			if len(err.Error()) > 300 {
				t.Errorf("error = %v, want a short one", err)
			}

			return
		}

		if len(answer.Replies) > 2*maxReplies { // the caption of an audio or a sticker becomes a text
			t.Errorf("%d replies", len(answer.Replies))
		}

		for _, reply := range answer.Replies {
			if !sendable(reply) {
				t.Errorf("%+v cannot be sent", reply)
			}
		}
	})
}

func sendable(r Reply) bool {
	switch r.Kind {
	case KindText:
		return strings.TrimSpace(r.Text) != ""
	case KindButtons:
		return len(r.Buttons) >= 1
	case KindList:
		return r.List != nil
	case KindMedia:
		return (r.Media.URL == "") != (r.Media.MediaID == "")
	case KindTemplate:
		return r.Template.Name != "" && r.Template.Language != ""
	case KindLocation:
		return r.Location != nil
	case KindReaction:
		return true
	}

	return false
}
