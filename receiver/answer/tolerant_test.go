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
		"type none":                {`{"reply":{"type":"none"}}`, nil},

		"an image beside a response": {`{"response":"look","image":"https://x.example/a.jpg"}`, files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg", Caption: "look"})},
		"an image above buttons of a response": {
			`{"response":"Sure?","image":"https://x.example/a.jpg","buttons":[{"title":"Yes","payload":"/yes"},"No"]}`,
			append(files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg"}), choice...),
		},
		"an image beside messages of a response": {`{"response":["a","b"],"image":"https://x.example/a.jpg"}`, append(files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg"}), texts("a", "b")...)},
		"an image beside a text with its type":   {`{"type":"text","text":"look","image":"https://x.example/a.jpg"}`, files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg", Caption: "look"})},
		"a source beside a response":             {`{"response":"hi","document":"manual.pdf","video":3}`, texts("hi")},
		"an image beside an empty response":      {`{"response":"","image":"https://x.example/a.jpg"}`, files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg"})},

		"an image that is empty":             {`{"text":"hi","image":""}`, texts("hi")},
		"an image that is an empty object":   {`{"text":"hi","image":{}}`, texts("hi")},
		"an image that is an empty list":     {`{"text":"hi","image":[]}`, texts("hi")},
		"an image that is false":             {`{"text":"hi","image":false}`, texts("hi")},
		"an image with an empty url":         {`{"text":"hi","image":{"url":"","caption":null}}`, texts("hi")},
		"an attachment without a url":        {`{"text":"hi","attachment":{"type":"image","payload":{"url":" "}}}`, texts("hi")},
		"all files empty":                    {`{"response":"hi","image":"","video":null,"audio":{},"document":[],"attachment":""}`, texts("hi")},
		"a file with its type, empty":        {`["hi",{"type":"image","url":""}]`, texts("hi")},
		"a file with its type and a caption": {`{"type":"document","url":null,"caption":"hi"}`, texts("hi")},
		"buttons that are empty":             {`{"text":"hi","buttons":"","quick_replies":{}}`, texts("hi")},
		"buttons without titles":             {`{"text":"hi","buttons":["",null,{},{"title":"","id":""}]}`, texts("hi")},
		"one of the buttons without a title": {`{"text":"Sure?","buttons":[{"title":"Yes","payload":"/yes"},"","No"]}`, choice},
		"buttons of a message, empty":        {`{"type":"buttons","text":"hi","buttons":"","header":{},"footer":[]}`, texts("hi")},
		"a list without rows":                {`{"type":"list","text":"hi","button_text":"","sections":[{"title":"","rows":[]}]}`, texts("hi")},
		"a list without sections":            {`{"type":"list","text":"hi","sections":""}`, texts("hi")},
		"a link without a page":              {`{"type":"cta_url","text":"hi","button_text":"","url":""}`, texts("hi")},
		"a handoff that is empty":            {`{"text":"hi","handoff":""}`, texts("hi")},
		"an error that is false":             {`{"text":"hi","error":false}`, texts("hi")},
		"an error that is 0":                 {`{"text":"hi","error":0}`, texts("hi")},
		"an error that is blank":             {`{"text":"hi","error":{ }}`, texts("hi")},
		"choices that are empty":             {`{"text":"hi","choices":""}`, texts("hi")},
		"a reply that is empty, output":      {`{"reply":"","output":"hi"}`, texts("hi")},
		"a reply that is empty, text":        {`{"reply":"","text":"hi"}`, texts("hi")},
		"a response that is empty, answer":   {`{"response":"","answer":"hi"}`, texts("hi")},
		"a text that is empty, message":      {`{"text":"","message":"hi"}`, texts("hi")},
		"a preview that is empty":            {`{"type":"text","text":"hi","preview_url":""}`, texts("hi")},

		"OpenAI, a search":     {`{"output":[{"type":"web_search_call","id":"w","action":{"type":"search","query":"q"}},{"type":"message","content":[{"type":"output_text","text":"hi"}]}]}`, texts("hi")},
		"OpenAI, a message":    {`{"choices":[{"message":{"content":[{"type":"x"},{"type":"text","text":"hi"}]}}]}`, texts("hi")},
		"Anthropic, a search":  {`{"type":"message","content":[{"type":"redacted_thinking","data":"x"},{"type":"server_tool_use","input":{}},{"type":"web_search_tool_result","content":[{"type":"web_search_result"}]},{"type":"text","text":"hi"},{"type":"tool_use","id":"t","input":{"text":"q"}}]}`, texts("hi")},
		"Anthropic, in a list": {`[{"type":"message","role":"assistant","content":[{"type":"tool_use"},{"type":"text","text":"hi"}]}]`, texts("hi")},

		"a text of Meta's API":      {`{"type":"text","text":{"body":"hi","preview_url":false}}`, texts("hi")},
		"a text of Meta, no type":   {`{"messaging_product":"whatsapp","text":{"body":"hi"}}`, texts("hi")},
		"a number":                  {`7`, texts("7")},
		"a number as an output":     {`{"output":-1.50}`, texts("-1.50")},
		"a number as a text":        {`{"text":7}`, texts("7")},
		"numbers as buttons":        {`{"text":"Sure?","buttons":[1,{"title":2}]}`, []Reply{{Kind: KindButtons, Text: "Sure?", Buttons: []Option{{ID: "1", Title: "1"}, {ID: "2", Title: "2"}}}}},
		"null in a list":            {`[null,"hi",null,{"text":"there"},""]`, texts("hi", "there")},
		"a byte order mark":         {"\ufeff" + `{"response":"hi"}`, texts("hi")},
		"an envelope":               {`{"success":true,"message":"","data":{"reply":"hi"}}`, texts("hi")},
		"an envelope named result":  {`{"status":"ok","result":{"response":[{"type":"text","text":"hi"}]}}`, texts("hi")},
		"fenced JSON":               {"```json\n{\"response\":\"hi\"}\n```", texts("hi")},
		"JSON in a text":            {`{"output":"{\"response\":\"hi\"}"}`, texts("hi")},
		"fenced JSON in a text":     {`[{"output":"` + "```json" + `\n{\n  \"reply\": \"hi\"\n}\n` + "```" + `\n"}]`, texts("hi")},
		"a choice in a text":        {`{"output":"{\"text\":\"Sure?\",\"buttons\":[{\"title\":\"Yes\",\"payload\":\"/yes\"},\"No\"]}"}`, choice},
		"JSON beside an image":      {`{"output":"{\"response\":\"hi\"}","image":"https://x.example/a.jpg"}`, append(files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg"}), texts("hi")...)},
		"JSON of another form":      {`{"output":"{\"name\":\"hi\"}"}`, texts(`{"name":"hi"}`)},
		"JSON with a template":      {`{"output":"{\"type\":\"template\",\"name\":\"a\",\"language\":\"es\"}"}`, texts(`{"type":"template","name":"a","language":"es"}`)},
		"JSON with a file":          {`{"output":"{\"image\":\"https://x.example/a\"}"}`, texts(`{"image":"https://x.example/a"}`)},
		"JSON with a handoff":       {`{"output":"{\"text\":\"hi\",\"handoff\":{}}"}`, texts(`{"text":"hi","handoff":{}}`)},
		"JSON in a response":        {`{"response":"{\"text\":\"hi\"}"}`, texts(`{"text":"hi"}`)},
		"code in a text":            {`{"output":"` + "```go" + `\n{}\n` + "```" + `"}`, texts("```go\n{}\n```")},
		"a list of numbers as text": {`{"output":"[1,2]"}`, texts("[1,2]")},
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
		`{"reply":"hi","handoff":true}`:                                        {Replies: texts("hi"), Handoff: &Handoff{}},
		`{"reply":"hi","handoff":"true"}`:                                      {Replies: texts("hi"), Handoff: &Handoff{}},
		`{"reply":"hi","handoff":"false"}`:                                     {Replies: texts("hi")},
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
		`null`:             {Empty: true},
		`{"response":""}`:  {Empty: true},
		`{"response":" "}`: {Empty: true},
		`{"answer":""}`:    {Empty: true},
		`{"answer":null}`:  {Empty: true},
		`{"output":null}`:  {Empty: true},
		`{"text":null}`:    {Empty: true},
		`{"image":""}`:     {Empty: true},
		`["",null]`:        {Empty: true},
		`{"response":["",{"type":"text","text":" "}]}`:                      {Empty: true},
		`{"type":"text","text":null}`:                                       {Empty: true},
		`{"answer":null,"conversation_id":"c"}`:                             {Empty: true, ConversationID: new("c")},
		`{"choices":[{"message":{"role":"assistant","content":null}}]}`:     {Empty: true},
		`{"choices":[{"message":{"content":""},"finish_reason":"length"}]}`: {Empty: true},
		`{"output":[{"type":"reasoning","summary":[]}]}`:                    {Empty: true},
		`{"accepted":true,"response":""}`:                                   {Later: true},
		`{"response":null}`:                                                 {},
		`{"response":null,"answer":null}`:                                   {},
		`{"response":[]}`:                                                   {},
		`{"reply":[]}`:                                                      {},
		`{"output":{"type":"none"}}`:                                        {},
		`["",{"type":"none"}]`:                                              {},
		`{"status":"success","attempt":"2","request_id":"3","reply":"hi"}`:  {Replies: texts("hi")},
		`{"reply":"Accepted"}`:                                              {Replies: texts("Accepted")},
		`[{"message":"Workflow was started"},{"output":"hi"}]`:              {Replies: texts("hi")},
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
		`{"statusCode":500,"message":"mother"}`:                                                  "but message and 1 others",
		`{"status":404,"message":"mother"}`:                                                      "but message, status",
		`{"code":"429","message":"mother"}`:                                                      "but code, message",
		`{"reply":true}`:                                                                         "the answer is neither a string nor an object",
		`{"output":{}}`:                                                                          "it is an empty object",
		`{"image":{"uri":"https://mother.example"},"text":"a"}`:                                  "without url and media_id",
		`{"data":{"text":"mother"},"result":"mother"}`:                                           "but data, result",
		`{"success":false,"data":{"reply":"mother"}}`:                                            "but data, success",
		`{"handoff":"mother","reply":"a"}`:                                                       "malformed: handoff",
		`{"content":[{"type":"tool_use"}]}`:                                                      "message 1 is of a type that is not known",
		`{"output":[{"type":"web_search_call"},{"type":"message","content":[]}]}`:                "message 1 is of a type that is not known",
		"<html>mother":                                         "a page in HTML or XML, not JSON",
		`{"reply":["a",{"type":"mother"}]}`:                    "message 2 is of a type that is not known",
		`[{"output":["a",["mother"]]}]`:                        "message 2 is neither",
		`{"image":"mother"}`:                                   "not an absolute https URL",
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
