// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
)

// TestWindow opens the 24-hour window of a person in different ways and sends after some time.
func TestWindow(t *testing.T) {
	const (
		ana    = "573001234567"
		userID = "CO.1"
		group  = "Z3J1cG8tMQ"
	)

	text := MessageDelivery(testNumber, ana, "Ana", "wamid.1", "text", nil, time.Unix(1_700_000_000, 0))
	call := sealField("calls", map[string]any{
		"metadata": map[string]any{"phone_number_id": testNumber},
		"calls":    []any{map[string]any{"from": ana, "direction": "USER_INITIATED", "timestamp": "1700000000"}},
	})
	both := sealField("messages", map[string]any{
		"metadata": map[string]any{"phone_number_id": testNumber},
		"contacts": []any{map[string]any{"wa_id": ana, "user_id": userID}},
		"messages": []any{map[string]any{"id": "wamid.1", "from": ana, "timestamp": "1700000000"}},
	})
	ofGroup := sealField("messages", map[string]any{
		"metadata": map[string]any{"phone_number_id": testNumber},
		"messages": []any{map[string]any{"id": "wamid.1", "from": ana, "group_id": group, "timestamp": "1700000000"}},
	})

	const template = `"type":"template","template":{"name":"hello","language":{"code":"es"}}`

	for name, tc := range map[string]struct {
		delivery []byte
		to, body string
		after    time.Duration
		failure  int
	}{
		"after a message":         {delivery: text, after: 24*time.Hour - time.Second},
		"a day after a message":   {delivery: text, after: 24 * time.Hour, failure: 131047},
		"a template, days after":  {delivery: text, after: 72 * time.Hour, body: template},
		"after a call":            {delivery: call, after: time.Hour},
		"to the other name":       {delivery: both, after: time.Hour, to: `"recipient":"CO.1"`},
		"to another person":       {delivery: text, to: `"to":"573009999999"`, failure: 131047},
		"of a group":              {delivery: ofGroup, to: `"recipient_type":"group","to":"` + group + `"`},
		"of a group, to a person": {delivery: ofGroup, failure: 131047},
		"nothing was received":    {delivery: []byte("no JSON"), failure: 131047},
	} {
		t.Run(name, func(t *testing.T) {
			clock := clockwork.NewFakeClockAt(time.Unix(1_700_000_000, 0).Add(tc.after))
			graph := NewGraph(GraphOptions{Clock: clock, Rules: Rules{Window: true}})
			url, client := start(t, graph)
			graph.Observe(tc.delivery)

			to, body := tc.to, tc.body
			if to == "" {
				to = `"to":"+57 300 123-4567"`
			}

			if body == "" {
				body = `"text":{"body":"hi"}`
			}

			status, answer := do(t, client, request(t, http.MethodPost, url+"/v27.0/"+testNumber+"/messages",
				`{"messaging_product":"whatsapp",`+to+`,`+body+`}`, "Authorization", "Bearer t"))
			if status != http.StatusOK {
				t.Fatalf("answered %d %s, want 200: Meta reports a closed window in a status", status, answer)
			}

			if got := graph.Sent()[0].Failure; got != tc.failure {
				t.Errorf("the message fails with %d, want %d", got, tc.failure)
			}
		})
	}
}

// TestThreads lets another responder own the thread and tries to send in it, and to control it.
func TestThreads(t *testing.T) {
	const ana = "573001234567"

	at := time.Unix(1_700_000_000, 0)
	own := TextDelivery(testNumber, ana, "Ana", "wamid.1", "hi", at)
	standby := sealField("standby", map[string]any{
		"metadata": map[string]any{"phone_number_id": testNumber},
		"standby":  map[string]any{"messages": []any{map[string]any{"id": "wamid.2", "from": ana, "timestamp": "1700000001"}}},
	})
	taken := HandoverDelivery(testNumber, ana, true, at)
	passed := HandoverDelivery(testNumber, ana, false, at)

	const (
		send    = `messages|"text":{"body":"hi"}`
		pass    = `thread_control|"action":"pass"`
		release = `thread_control|"action":"release"`
		take    = `thread_control|"action":"take"`
	)

	for name, tc := range map[string]struct {
		observed   [][]byte
		escalation bool
		calls      []string
		codes      []int
	}{
		"own":                          {observed: [][]byte{own}, calls: []string{send, pass}, codes: []int{0, 0}},
		"taken":                        {observed: [][]byte{own, taken}, calls: []string{send, pass, take}, codes: []int{2494191, 100, 2494191}},
		"taken and passed back":        {observed: [][]byte{own, taken, passed}, calls: []string{send}, codes: []int{0}},
		"on standby":                   {observed: [][]byte{standby}, calls: []string{send}, codes: []int{2494191}},
		"on standby, as escalation":    {observed: [][]byte{standby}, escalation: true, calls: []string{pass, send, pass}, codes: []int{100, 0, 0}},
		"passed on":                    {observed: [][]byte{own}, calls: []string{pass, send}, codes: []int{0, 2494191}},
		"passed on, written to again":  {observed: [][]byte{own, taken, own}, calls: []string{send}, codes: []int{0}},
		"released":                     {observed: [][]byte{own}, calls: []string{release, send}, codes: []int{0, 0}},
		"taken through thread control": {observed: [][]byte{taken}, escalation: true, calls: []string{take, release}, codes: []int{0, 0}},
		"an unknown action":            {calls: []string{`thread_control|"action":"steal"`}, codes: []int{100}},
	} {
		t.Run(name, func(t *testing.T) {
			graph := NewGraph(GraphOptions{Rules: Rules{EscalationPartner: tc.escalation}})
			url, client := start(t, graph)

			for _, body := range tc.observed {
				graph.Observe(body)
			}

			for i, call := range tc.calls {
				path, fields, _ := strings.Cut(call, "|")

				status, answer := do(t, client, request(t, http.MethodPost, url+"/v27.0/"+testNumber+"/"+path,
					`{"messaging_product":"whatsapp","to":"`+ana+`",`+fields+`}`, "Authorization", "Bearer t"))
				if want := tc.codes[i]; (status == http.StatusOK) != (want == 0) || errorCode(t, answer) != want {
					t.Errorf("call %d, %s, answered %d %s, want code %d", i, call, status, answer, want)
				}
			}
		})
	}
}

// TestQuotes lets a message quote only messages that Meta has delivered or sent.
func TestQuotes(t *testing.T) {
	graph := NewGraph(GraphOptions{Rules: Rules{KnownContext: true}})
	url, client := start(t, graph)
	graph.Observe(TextDelivery(testNumber, "573001234567", "Ana", "wamid.known", "hi", time.Unix(1_700_000_000, 0)))

	quote := func(id string) int {
		t.Helper()

		_, answer := do(t, client, request(t, http.MethodPost, url+"/v27.0/"+testNumber+"/messages",
			message(`"text":{"body":"hi"},"context":{"message_id":"`+id+`"}`), "Authorization", "Bearer t"))

		return errorCode(t, answer)
	}

	if got := quote("wamid.known"); got != 0 {
		t.Errorf("quoting a delivered message gives code %d", got)
	}

	if got := quote(graph.Sent()[0].ID); got != 0 {
		t.Errorf("quoting a sent message gives code %d", got)
	}

	if got := quote("wamid.other"); got != 131009 {
		t.Errorf("quoting an unknown message gives code %d, want 131009", got)
	}
}
