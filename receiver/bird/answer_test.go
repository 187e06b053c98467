// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestParseAnswer(t *testing.T) {
	one := []Reply{{Text: "hi"}}
	for name, tc := range map[string]struct {
		body string
		want []Reply
		fail string // part of the failure's text
	}{
		"wrapped string":     {body: ` {"response": "hi", "conversation_id":"c", "metadata":{}} `, want: one},
		"wrapped object":     {body: `{"response":{"type":"text","text":"hi","preview_url":true}}`, want: []Reply{{Text: "hi", PreviewURL: true}}},
		"wrapped list":       {body: `{"response":["hi",{"type":"text","text":"there"},null]}`, want: []Reply{{Text: "hi"}, {Text: "there"}}},
		"bare string":        {body: `"hi"`, want: one},
		"bare list":          {body: `["hi"]`, want: one},
		"flat object":        {body: `{"type":"text","text":"hi"}`, want: one},
		"empty body":         {body: "  "},
		"null":               {body: "null"},
		"response null":      {body: `{"response":null}`},
		"response empty":     {body: `{"response":""}`},
		"response blank":     {body: `{"response":" \n"}`},
		"response no list":   {body: `{"response":[]}`},
		"type none":          {body: `{"response":{"type":"none","reason":"x"}}`},
		"not JSON":           {body: `<html>`, fail: "no JSON"},
		"half":               {body: `{"response":"h`, fail: "no JSON"},
		"a number":           {body: `7`, fail: "neither a string nor an object"},
		"nothing known":      {body: `{"answer":"hi"}`, fail: "neither response nor type"},
		"text of wrong type": {body: `{"response":{"type":"text","text":{}}}`, fail: "unexpected JSON type"},
		"type of wrong type": {body: `{"type":3}`, fail: "unexpected JSON type"},
		"unknown type":       {body: `{"response":{"type":"hologram"}}`, fail: "other than text and none"},
		"too many":           {body: `{"response":["1","2","3","4","5","6"]}`, fail: "more than 5"},
		"later":              {body: `{"accepted":true}`, fail: "later"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseAnswer("op", []byte(tc.body))
			if (err != nil) != (tc.fail != "") {
				t.Fatalf("parseAnswer() error = %v, want %q", err, tc.fail)
			}
			if err != nil {
				if f := failure.Of(err); f.Class != failure.Permanent || f.Code != "bad_response" || !strings.Contains(f.Text, tc.fail) {
					t.Errorf("failure = %+v, want a permanent bad_response that says %q", f, tc.fail)
				}
			}
			if diff := cmp.Diff(tc.want, got.Replies); diff != "" {
				t.Errorf("replies (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(`{"response":[{"type":"text","text":"a"},"b",null]}`))
	f.Add([]byte(`{"type":"none"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, err := parseAnswer("op", body)
		if err != nil && failure.Of(err).Class != failure.Permanent {
			t.Errorf("class = %s, want permanent", failure.Of(err).Class)
		}
		if len(answer.Replies) > maxReplies {
			t.Errorf("%d replies, want at most %d", len(answer.Replies), maxReplies)
		}
		for _, reply := range answer.Replies {
			if strings.TrimSpace(reply.Text) == "" {
				t.Error("a reply without text")
			}
		}
	})
}
