// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
		"null as a plain text":         {response: Response{200, plain, []byte(`null`)}, want: Answer{Empty: true}},
		"an empty plain text":          {response: Response{200, plain, []byte(" \n")}, want: Answer{Empty: true}},
		"a plain receipt":              {response: Response{200, plain, []byte("Accepted")}, want: Answer{Empty: true}},
		"a plain text that is binary":  {response: Response{200, plain, []byte{0xff, 0xfe}}, fails: "not UTF-8"},
		"a page":                       {response: Response{200, "text/html", []byte("<p>hi")}, fails: "a page in HTML"},
		"a page of no type":            {response: Response{200, unknown, []byte("<!DOCTYPE html>")}, fails: "a page in HTML"},
		"a stream":                     {response: Response{200, "text/event-stream", []byte("data: mother\n\n")}, fails: "a stream of events"},
		"a stream of no type":          {response: Response{200, unknown, []byte("data: {\"reply\":\"mother\"}\n\n")}, fails: "a stream of events"},
		"a stream as a text":           {response: Response{200, plain, []byte("event: delta\ndata: {\"reply\":\"mother\"}\n\n")}, fails: "a stream of events"},
		"a text about data":            {response: Response{200, plain, []byte("data: none")}, want: Answer{Replies: texts("data: none")}},
		"JSON of a stream's type":      {response: Response{200, "text/event-stream", []byte(`{"response":"hi"}`)}, want: Answer{Replies: texts("hi")}},
		"a page as JSON":               {response: Response{200, asJSON, []byte("<p>hi")}, fails: "a page in HTML"},
		"a warning of PHP":             {response: Response{200, "text/html", []byte("<br />\n<b>Warning</b>: mother")}, fails: "a page in HTML"},
		"a text as HTML":               {response: Response{200, "text/html; charset=utf-8", []byte("Hola\n")}, want: Answer{Replies: texts("Hola")}},
		"a heart as HTML":              {response: Response{200, "text/html", []byte("<3 & <hi>")}, want: Answer{Replies: texts("<3 & <hi>")}},
		"an address as HTML":           {response: Response{200, "text/html", []byte("<https://x.example>")}, want: Answer{Replies: texts("<https://x.example>")}},
		"a tag in a plain text":        {response: Response{200, plain, []byte("<p> begins a paragraph")}, want: Answer{Replies: texts("<p> begins a paragraph")}},
		"a receipt as HTML":            {response: Response{200, "text/html", []byte("Accepted")}, want: Answer{Empty: true}},
		"JSON as HTML":                 {response: Response{200, "text/html", []byte(`{"response":"hi"}`)}, want: Answer{Replies: texts("hi")}},
		"JSON as HTML, cut off":        {response: Response{200, "text/html", []byte("{\n \"response\":\"hi")}, fails: "not JSON"},
		"nothing as HTML":              {response: Response{200, "text/html", []byte(" ")}, want: Answer{Empty: true}},
		"a text of no type":            {response: Response{200, unknown, []byte("hi")}, want: Answer{Replies: texts("hi")}},
		"a text of another type":       {response: Response{200, "application/x-www-form-urlencoded", []byte("hi")}, fails: "not JSON"},
		"fenced JSON as a text":        {response: Response{200, plain, []byte("```json\n{\"text\":\"hi\"}\n```")}, want: Answer{Replies: texts("hi")}},
		"fenced code as a text":        {response: Response{200, plain, []byte("```json\n{\"a\":1}\n```")}, want: Answer{Replies: texts("```json\n{\"a\":1}\n```")}},
		"a text with a mark":           {response: Response{200, plain, []byte("\ufeffhi")}, want: Answer{Replies: texts("hi")}},
		"latin1":                       {response: Response{200, "text/html; charset=ISO-8859-1", []byte("Qu\xe9 tal")}, want: Answer{Replies: texts("Qué tal")}},
		"windows-1252":                 {response: Response{200, "text/plain; charset=windows-1252", []byte("5 \x80 \x96 S\xed")}, want: Answer{Replies: texts("5 € – Sí")}},
		"latin1 in JSON":               {response: Response{200, "application/json; charset=latin1", []byte("{\"reply\":\"Qu\xe9\"}")}, want: Answer{Replies: texts("Qué")}},
		"UTF-8 declared as latin1":     {response: Response{200, "text/plain; charset=iso-8859-1", []byte("Qué")}, want: Answer{Replies: texts("Qué")}},
		"another charset":              {response: Response{200, "text/plain; charset=shift_jis", []byte{0x82, 0xa0}}, fails: "a charset other than UTF-8"},
		"UTF-16":                       {response: Response{200, "text/plain; charset=utf-16le", []byte("h\x00i\x00")}, fails: "UTF-16"},
		"UTF-16 by its mark":           {response: Response{200, unknown, []byte("\xff\xfeh\x00i\x00")}, fails: "UTF-16"},
		"202 with response empty":      {response: Response{202, asJSON, []byte(`{"response":""}`)}, want: Answer{Later: true}},
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
