// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"strings"
	"testing"
)

// sendEach sends messages, and compares the code of the error that each leads to; 0 stands for none.
func sendEach(t *testing.T, messages map[string]int) {
	t.Helper()

	url, client := start(t, NewGraph(GraphOptions{}))

	for body, want := range messages {
		r := request(t, http.MethodPost, url+"/v27.0/"+testNumber+"/messages", body, "Authorization", "Bearer t")

		status, answer := do(t, client, r)
		if got := errorCode(t, answer); got != want || (status == http.StatusOK) != (want == 0) {
			t.Errorf("%s: %d %s, want code %d", body, status, answer, want)
		}
	}
}

// TestSendHeaderChecks also covers the messages with a link, whose headers are those of buttons.
func TestSendHeaderChecks(t *testing.T) {
	link := func(header, parameters string) string {
		return interactive(`"type":"cta_url","header":` + header + `,"action":{"name":"cta_url","parameters":` + parameters + `}`)
	}

	const (
		open     = `{"display_text":"Open","url":"https://a.example"}`
		document = `{"type":"document","document":{"id":"7","filename":"a.pdf"}}`
	)

	long := strings.Repeat("ñ", 21)

	sendEach(t, map[string]int{
		link(`null`, open):   0,
		link(document, open): 0,
		link(`{"type":"image","image":{"link":"https://a.example/b"}}`, open): 0,
		link(`{"type":"text","text":"Dates"}`, open):                          0,
		link(`{"type":"text"}`, open):                                         131008,
		link(`{"type":"video"}`, open):                                        131008,
		link(`{"type":"video","video":{}}`, open):                             131009,
		link(`{"type":"audio","audio":{"id":"7"}}`, open):                     131009,
		link(`null`, `{"url":"https://a.example"}`):                           131008,
		link(`null`, `{"display_text":"Open"}`):                               131009,
		link(`null`, `{"display_text":"Open","url":"a.example"}`):             131009,
		link(`null`, `{"display_text":"`+long+`","url":"https://a.example"}`): 131009,
		interactive(`"type":"cta_url","action":{"name":"cta_url"}`):           131008,
		interactive(buttons(1) + `,"header":` + document):                     0,
		interactive(rows(1, `"title":"R"`) + `,"header":` + document):         131009,
	})
}
