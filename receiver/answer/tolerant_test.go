// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func texts(words ...string) []Reply {
	var replies []Reply
	for _, w := range words {
		replies = append(replies, Reply{Kind: KindText, Text: w})
	}

	return replies
}

func files(all ...ReplyMedia) []Reply {
	var replies []Reply
	for _, m := range all {
		replies = append(replies, Reply{Kind: KindMedia, Media: &m})
	}

	return replies
}

func TestParseTheFormsOfOtherPrograms(t *testing.T) {
	choice := []Reply{{
		Kind:    KindButtons,
		Text:    "Sure?",
		Buttons: []Option{{ID: "/yes", Title: "Yes"}, {ID: "No", Title: "No"}},
	}}

	for name, tc := range map[string]struct {
		body string
		want []Reply
	}{
		"reply":                   {`{"reply":"hi"}`, texts("hi")},
		"answer":                  {`{"answer":"hi"}`, texts("hi")},
		"output":                  {`{"output":"hi"}`, texts("hi")},
		"message":                 {`{"message":"hi"}`, texts("hi")},
		"reply beside a remark":   {`{"success":true,"message":"ok","reply":"hi"}`, texts("hi")},
		"text beside a remark":    {`{"message":"ok","text":"hi"}`, texts("hi")},
		"a key that is null":      {`{"reply":null,"output":"hi"}`, texts("hi")},
		"response null, reply":    {`{"response":null,"reply":"hi"}`, texts("hi")},
		"no error":                {`{"reply":"hi","error":null}`, texts("hi")},
		"an error that is empty":  {`{"reply":"hi","error":""}`, texts("hi")},
		"a type that is null":     {`{"type":null,"text":"hi"}`, texts("hi")},
		"a type that is empty":    {`{"type":"","text":"hi"}`, texts("hi")},
		"a message object":        {`{"reply":{"type":"text","text":"hi"}}`, texts("hi")},
		"a list of messages":      {`{"output":["hi",{"type":"text","text":"there"}]}`, texts("hi", "there")},
		"quick replies":           {`{"reply":"Sure?","quick_replies":[{"id":"/yes","title":"Yes"},"No"]}`, choice},
		"quick replies in a list": {`["hi",{"output":"Sure?","quick_replies":[{"id":"/yes","title":"Yes"},"No"]}]`, append(texts("hi"), choice...)},
		"n8n":                     {`[{"output":"hi"}]`, texts("hi")},
		"n8n, several items":      {`[{"output":"hi"},{"output":"there"}]`, texts("hi", "there")},
		"n8n, structured":         {`[{"output":{"response":"hi"}}]`, texts("hi")},
		"Dify":                    {`{"event":"message","message_id":"m","mode":"chat","answer":"hi","metadata":{},"created_at":1}`, texts("hi")},
		"Flowise":                 {`{"text":"hi","question":"q","chatId":"c"}`, texts("hi")},
		"Botpress":                {`[{"type":"text","text":"hi"}]`, texts("hi")},
		"Rasa":                    {`[{"recipient_id":"1","text":"hi"},{"recipient_id":"1","text":"there"}]`, texts("hi", "there")},
		"Rasa, nothing":           {`[]`, nil},
		"Rasa, buttons":           {`[{"recipient_id":"1","text":"Sure?","buttons":[{"title":"Yes","payload":"/yes"},{"title":"No"}]}]`, choice},
		"Rasa, custom":            {`[{"recipient_id":"1","custom":{"type":"reaction","emoji":"x"}}]`, []Reply{{Kind: KindReaction, Emoji: "x"}}},
		"Botpress, a choice":      {`{"text":"Sure?","buttons":[{"title":"Yes","value":"/yes"},{"title":"No"}]}`, choice},
		"Meta's buttons": {
			`{"type":"button","text":"Sure?","buttons":[{"type":"reply","reply":{"id":"/yes","title":"Yes"}},{"type":"reply","reply":{"title":"No"}}]}`,
			choice,
		},
		"OpenAI":                {`{"id":"1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}]}`, texts("hi")},
		"OpenAI, parts":         {`{"choices":[{"message":{"content":[{"type":"text","text":"hi"}]}}]}`, texts("hi")},
		"OpenAI, completions":   {`{"choices":[{"text":"hi"}]}`, texts("hi")},
		"OpenAI, responses":     {`{"output":[{"type":"reasoning","summary":[]},{"type":"message","content":[{"type":"output_text","text":"hi"}]}]}`, texts("hi")},
		"OpenAI, several":       {`{"choices":[{"message":{"content":"hi"}},{"message":{"content":"ho"}}]}`, texts("hi")},
		"OpenAI, nothing":       {`{"choices":[{"message":{"content":null}}]}`, nil},
		"Ollama, chat":          {`{"model":"m","message":{"role":"assistant","content":"hi"},"done":true}`, texts("hi")},
		"Ollama, generate":      {`{"model":"m","response":"hi","done":true}`, texts("hi")},
		"Anthropic":             {`{"type":"message","role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"hi"}]}`, texts("hi")},
		"an image":              {`{"image":"https://x.example/a.jpg"}`, files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg"})},
		"an image with a text":  {`[{"text":"look","image":"https://x.example/a.jpg"}]`, files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg", Caption: "look"})},
		"an audio with a text":  {`{"text":"listen","audio":"https://x.example/a.ogg"}`, append(files(ReplyMedia{Type: "audio", URL: "https://x.example/a.ogg"}), texts("listen")...)},
		"an image that is null": {`{"text":"hi","image":null,"buttons":null}`, texts("hi")},
		"a video and a document": {
			`{"video":{"url":"https://x.example/a.mp4","caption":"c"},"document":{"link":"https://x.example/a.pdf","filename":"a.pdf"}}`,
			files(
				ReplyMedia{Type: "video", URL: "https://x.example/a.mp4", Caption: "c"},
				ReplyMedia{Type: "document", URL: "https://x.example/a.pdf", Filename: "a.pdf"},
			),
		},
		"an attachment": {
			`{"attachment":{"type":"video","payload":{"src":"https://x.example/a.mp4"}}}`,
			files(ReplyMedia{Type: "video", URL: "https://x.example/a.mp4"}),
		},
		"an image beside a reply":  {`{"reply":"look","image":"https://x.example/a.jpg"}`, files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg", Caption: "look"})},
		"an image beside messages": {`{"output":["a",{"text":"b"}],"image":"https://x.example/a.jpg"}`, append(files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg"}), texts("a", "b")...)},
		"an image above buttons": {
			`{"text":"Sure?","image":"https://x.example/a.jpg","buttons":[{"title":"Yes","payload":"/yes"},"No"]}`,
			append(files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg"}), choice...),
		},
		"two images with a caption each": {
			`{"image":{"url":"https://x.example/a.jpg","caption":"c"},"document":"https://x.example/a.pdf","text":"t"}`,
			files(
				ReplyMedia{Type: "image", URL: "https://x.example/a.jpg", Caption: "c"},
				ReplyMedia{Type: "document", URL: "https://x.example/a.pdf", Caption: "t"},
			),
		},
		"buttons beside an output": {`{"output":"Sure?","buttons":[{"title":"Yes","payload":"/yes"},"No"]}`, choice},
		"buttons in a text":        {`{"type":"text","text":"Sure?","buttons":[{"title":"Yes","payload":"/yes"},"No"]}`, choice},
		"buttons, none":            {`{"text":"hi","buttons":[]}`, texts("hi")},
		"null":                     {`{"output":null}`, nil},
		"an empty":                 {`{"answer":""}`, nil},
		"type none":                {`{"reply":{"type":"none"}}`, nil},
		"a text null":              {`{"text":null}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(Answer{Replies: tc.want}, got); diff != "" {
				t.Errorf("Parse() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseHandoffAndConversation(t *testing.T) {
	for body, want := range map[string]Answer{
		`{"reply":"hi","handoff":{"reason":"r"}}`:                              {Replies: texts("hi"), Handoff: &Handoff{Reason: "r"}},
		`[{"output":{"answer":"hi","handoff":{"reason":"r"}}}]`:                {Replies: texts("hi"), Handoff: &Handoff{Reason: "r"}},
		`{"answer":"hi","conversation_id":"c"}`:                                {Replies: texts("hi"), ConversationID: new("c")},
		`{"answer":"hi","conversation_id":7}`:                                  {Replies: texts("hi"), ConversationID: new("7")},
		`{"answer":"hi","conversation_id":""}`:                                 {Replies: texts("hi"), ConversationID: new("")},
		`{"answer":"hi","conversation_id":null}`:                               {Replies: texts("hi")},
		`{"answer":"hi","conversation_id":["c"]}`:                              {Replies: texts("hi"), BadConversationID: true},
		`{"answer":"hi","conversation_id":"` + strings.Repeat("c", 257) + `"}`: {Replies: texts("hi"), BadConversationID: true},
		`[{"answer":"hi","conversation_id":"c"}]`:                              {Replies: texts("hi"), ConversationID: new("c")},
		`{"type":"text","text":"hi","conversation_id":"c"}`:                    {Replies: texts("hi"), ConversationID: new("c")},
		`{"accepted":true,"response":null,"conversation_id":"c"}`:              {Later: true, ConversationID: new("c")},
		`{"accepted":true,"response":"hi"}`:                                    {Replies: texts("hi")},
		`{"message":"Workflow was started"}`:                                   {Empty: true},
		`{"status":"success","id":"1","attempt":"2","request_id":"3"}`:         {Empty: true},
		`{"status":"success","attempt":"2","request_id":"3","reply":"hi"}`:     {Replies: texts("hi")},
		`{"reply":"Accepted"}`:                                                 {Replies: texts("Accepted")},
		`[{"message":"Workflow was started"},{"output":"hi"}]`:                 {Replies: texts("hi")},
	} {
		got, err := Parse([]byte(body))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Parse(%s) = %v (-want +got):\n%s", body, err, diff)
		}
	}
}

func TestParseRefusesOtherForms(t *testing.T) {
	const word = "mother"

	for body, text := range map[string]string{
		`{}`:   "it is an empty object",
		`[{}]`: "it is an empty object",
		`{"outputs":[{"outputs":[{"results":{"message":{"text":"mother"}}}]}],"session_id":"s"}`: "but outputs, session_id",
		`{"573001234567":"mother","mother":1}`:                                                   "but 2 others",
		`{"body":1,"code":1,"data":1,"detail":1,"id":1,"items":1,"value":1}`:                     "but body, code, data, detail, id and 2 others",
		`{"status":"error","message":"mother"}`:                                                  "but message, status",
		`{"success":false,"message":"mother"}`:                                                   "but message, success",
		`{"message":"mother","error":{"code":1}}`:                                                "the answer is an error",
		`{"reply":7}`:                                          "the answer is neither a string nor an object",
		`{"reply":["a",{"type":"mother"}]}`:                    "message 2 is of a type that is not known",
		`[{"output":["a",["mother"]]}]`:                        "message 2 is neither",
		`{"image":"mother"}`:                                   "no absolute https URL",
		`{"image":7}`:                                          "image is neither a URL nor an object",
		`{"reply":"a","buttons":"mother"}`:                     "buttons of an unexpected JSON type",
		`{"image":"https://x.example/a","buttons":["mother"]}`: "not beside a text",
		`{"choices":"mother"}`:                                 "malformed: choices",
		`{"choices":[]}`:                                       "but choices",
		`{"reply":{"reply":{"reply":{"reply":{"reply":{"reply":"mother"}}}}}}`:                          "nested too deep",
		`{"output":[` + strings.TrimSuffix(strings.Repeat(`{"output":["a","a","a"]},`, 50), ",") + `]}`: "more than 50 messages",
		`["mother",{"response":null,"quick_replies":["a"]}]`:                                            "not beside a text",
	} {
		got, err := Parse([]byte(body))
		if err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), word) {
			t.Errorf("Parse(%s) = %+v, %v, want an error that says %q", body, got, err, text)
		}
	}
}

func TestReadResponses(t *testing.T) {
	const (
		plain   = "text/plain; charset=utf-8"
		asJSON  = "application/json"
		unknown = ""
	)

	for name, tc := range map[string]struct {
		response Response
		want     Answer
		fails    string
	}{
		"JSON":                         {response: Response{200, asJSON, []byte(`{"reply":"hi"}`)}, want: Answer{Replies: texts("hi")}},
		"a plain text":                 {response: Response{200, plain, []byte("Hola.\nSí.\n")}, want: Answer{Replies: texts("Hola.\nSí.")}},
		"a plain text with a quote":    {response: Response{200, plain, []byte(`"hi" is what I say`)}, want: Answer{Replies: texts(`"hi" is what I say`)}},
		"a plain text with a bracket":  {response: Response{200, plain, []byte(`[note] hi`)}, want: Answer{Replies: texts(`[note] hi`)}},
		"JSON cut off":                 {response: Response{200, plain, []byte(`{"reply":"mother`)}, fails: "not JSON"},
		"a page as a plain text":       {response: Response{200, plain, []byte("<!DOCTYPE html><p>mother")}, fails: "a page"},
		"Markdown":                     {response: Response{200, "text/markdown", []byte("**hi**")}, want: Answer{Replies: texts("**hi**")}},
		"a plain number":               {response: Response{200, plain, []byte("42")}, want: Answer{Replies: texts("42")}},
		"JSON as a plain text":         {response: Response{200, plain, []byte(`{"reply":"hi"}`)}, want: Answer{Replies: texts("hi")}},
		"null as a plain text":         {response: Response{200, plain, []byte(`null`)}, want: Answer{}},
		"an empty plain text":          {response: Response{200, plain, []byte(" \n")}, want: Answer{Empty: true}},
		"a plain receipt":              {response: Response{200, plain, []byte("Accepted")}, want: Answer{Empty: true}},
		"a plain text that is binary":  {response: Response{200, plain, []byte{0xff, 0xfe}}, fails: "not UTF-8"},
		"a page":                       {response: Response{200, "text/html", []byte("<p>hi")}, fails: "not JSON"},
		"a text of no type":            {response: Response{200, unknown, []byte("hi")}, fails: "not JSON"},
		"204":                          {response: Response{204, unknown, nil}, want: Answer{Empty: true}},
		"202":                          {response: Response{202, unknown, nil}, want: Answer{Later: true}},
		"202 accepted":                 {response: Response{202, asJSON, []byte(`{"accepted":true}`)}, want: Answer{Later: true}},
		"202 with a remark":            {response: Response{202, asJSON, []byte(`{"message":"Queued"}`)}, want: Answer{Later: true}},
		"202 with a plain text":        {response: Response{202, plain, []byte("Accepted")}, want: Answer{Later: true}},
		"202 with a page":              {response: Response{202, "text/html", []byte("<p>")}, want: Answer{Later: true}},
		"202 with a response":          {response: Response{202, asJSON, []byte(`{"response":"hi"}`)}, want: Answer{Replies: texts("hi")}},
		"202 with response null":       {response: Response{202, asJSON, []byte(`{"response":null}`)}, want: Answer{Later: true}},
		"202 with a handoff":           {response: Response{202, asJSON, []byte(`{"handoff":{}}`)}, want: Answer{Handoff: &Handoff{}}},
		"202 with a response, useless": {response: Response{202, asJSON, []byte(`{"response":{"type":"x"}}`)}, fails: "not known"},
		"200 accepted":                 {response: Response{200, asJSON, []byte(`{"accepted":true}`)}, want: Answer{Later: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(tc.response)
			if tc.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fails) {
					t.Errorf("Read() = %+v, %v, want an error that says %q", got, err, tc.fails)
				}

				return
			}

			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("Read() = %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestMissingAnswersCanBeTold(t *testing.T) {
	for body, want := range map[string]bool{
		`{"x":1}`:                 true,
		`[{"x":1}]`:               true,
		`{"error":1}`:             false,
		`{"type":"x"}`:            false,
		`not JSON`:                false,
		`{"output":{"x":"nest"}}`: true,
	} {
		_, err := Parse([]byte(body))
		if _, is := errors.AsType[*MissingError](err); is != want {
			t.Errorf("Parse(%s) = %v, want a MissingError: %t", body, err, want)
		}
	}
}
