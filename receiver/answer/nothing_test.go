// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParseNothingBesideRemarks has a response say that there is no answer, beside what a remark or the repeated request has.
func TestParseNothingBesideRemarks(t *testing.T) {
	image := files(ReplyMedia{Type: "image", URL: "https://x.example/a.jpg"})
	choice := []Reply{{Kind: KindButtons, Text: "Sure?", Buttons: []Option{{ID: "Yes", Title: "Yes"}}}}

	for body, want := range map[string]Answer{
		`{"response":[],"message":"OK"}`:                                                   {},
		`{"response":[ ],"text":"hola"}`:                                                   {},
		`{"response":[],"type":"image","caption":"hola"}`:                                  {},
		`{"response":[],"answer":"hi"}`:                                                    {},
		`{"response":[],"message":"Workflow was started"}`:                                 {},
		`{"response":[],"image":"https://x.example/a.jpg","text":"hola"}`:                  {Replies: image},
		`{"response":[],"document":"manual.pdf"}`:                                          {},
		`{"response":[],"text":"hola","handoff":{"reason":"r"}}`:                           {Handoff: &Handoff{Reason: "r"}},
		`{"success":true,"message":"OK","response":""}`:                                    {Empty: true},
		`{"response":" ","content":"OK"}`:                                                  {Empty: true},
		`{"response":"","custom":{"text":"OK"}}`:                                           {Empty: true},
		`{"response":"","choices":[{"text":"OK"}]}`:                                        {Empty: true},
		`{"response":"","data":{"reply":"OK"}}`:                                            {Empty: true},
		`{"text":"hola","response":""}`:                                                    {Empty: true},
		`{"type":"text","text":"hola","caption":"","response":""}`:                         {Empty: true},
		`{"type":"image","text":"","caption":"hola","response":""}`:                        {Empty: true},
		`{"type":"unsupported","message":{"text":"hola"},"response":""}`:                   {Empty: true},
		`{"response":"","document":"manual.pdf"}`:                                          {Empty: true},
		`{"response":"","image":"https://x.example/a.jpg","text":"hola"}`:                  {Replies: image},
		`{"response":"","type":"image","text":"hola","answer":"hi"}`:                       {Replies: texts("hi")},
		`{"response":"","reply":"Sure?","type":"image","quick_replies":["Yes"]}`:           {Replies: choice},
		`{"response":"","message":"OK","accepted":true}`:                                   {Later: true},
		`{"response":"","text":"hola","conversation_id":"c"}`:                              {Empty: true, ConversationID: new("c")},
		`{"reply":[],"message":"OK"}`:                                                      {},
		`{"output":[],"message":"OK"}`:                                                     {},
		`{"answer":[],"text":"hola","image":"https://x.example/a.jpg"}`:                    {Replies: image},
		`{"reply":"","answer":[],"output":"hi"}`:                                           {},
		`{"response":"","reply":[],"message":"OK"}`:                                        {},
		`{"response":null,"output":[],"message":"OK"}`:                                     {},
		`{"response":null,"message":"hi"}`:                                                 {Replies: texts("hi")},
		`{"response":null,"type":"text","text":"hi"}`:                                      {Replies: texts("hi")},
		`{"reply":"hi","answer":[]}`:                                                       {Replies: texts("hi")},
		`{"message":[],"data":{"reply":"hi"}}`:                                             {Replies: texts("hi")},
		`["hi",{"response":[],"message":"OK"},{"response":"","message":"OK"},{"text":""}]`: {Replies: texts("hi")},
	} {
		got, err := Parse([]byte(body))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Parse(%s) = %v (-want +got):\n%s", body, err, diff)
		}
	}
}

// TestParseErrorsBesideNothing has a program that failed fill the response in with nothing.
func TestParseErrorsBesideNothing(t *testing.T) {
	for body, text := range map[string]string{
		`{"response":"","error":"timeout"}`:  "the answer is an error",
		`{"response":[],"error":{"code":1}}`: "the answer is an error",
		`{"response":{},"message":"OK"}`:     "it is an empty object",
		`{"response":false,"message":"OK"}`:  "neither a string nor an object",
	} {
		got, err := Parse([]byte(body))
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("Parse(%s) = %+v, %v, want an error that says %q", body, got, err, text)
		}
	}
}

// TestParseNothingInJSONOfAModel has a model say in JSON that there is no answer. The JSON is not a text for the person.
func TestParseNothingInJSONOfAModel(t *testing.T) {
	for body, want := range map[string]Answer{
		`{"output":"{\"response\":\"\",\"message\":\"OK\"}"}`: {Empty: true},
		`{"output":"{\"response\":\"\"}"}`:                    {Empty: true},
		`{"output":"{\"response\":null}"}`:                    {},
		`{"output":"{\"response\":[]}"}`:                      {},
		`{"output":"{\"type\":\"none\"}"}`:                    {},
		"{\"output\":\"```json\\n{\\\"reply\\\":[]}\\n```\"}": {},
		`{"output":"{\"accepted\":true}"}`:                    {Replies: texts(`{"accepted":true}`)},
		`{"output":"{\"accepted\":true,\"reply\":\"hi\"}"}`:   {Replies: texts("hi")},
		`{"output":"{\"handoff\":{}}"}`:                       {Replies: texts(`{"handoff":{}}`)},
	} {
		got, err := Parse([]byte(body))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Parse(%s) = %v (-want +got):\n%s", body, err, diff)
		}
	}
}
