// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// statusOf returns the delivery of a status of a sent message.
func statusOf(sent standin.SentMessage, status string) []byte {
	return messagesDelivery(fmt.Sprintf(`"statuses":[{"id":%q,"status":%q,"timestamp":"1764313201","recipient_id":%q,"biz_opaque_callback_data":%q}]`,
		sent.ID, status, ana, sent.Callback))
}

// TestStepsOfAMessage checks what the console shows of a message from its delivery to the statuses of its answer, with and
// without the person.
func TestStepsOfAMessage(t *testing.T) {
	h := newHarness(t, withoutTyping)
	log := &logBuffer{}
	h.log = log

	h.Bird.Faults.Add(standin.Fault{PathPrefix: "/v1/messages", Status: http.StatusServiceUnavailable, Times: 1})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	sent := h.waitSent(1)[0]
	h.deliver(http.StatusOK, statusOf(sent, "delivered"))
	h.deliver(http.StatusOK, statusOf(sent, "read"))
	h.waitIdle()

	var page consoleapi.EventPage
	h.console(http.StatusOK, http.MethodGet, "/v1/events?kind=message&state=done&number="+number, &page)

	if len(page.Events) != 1 || page.Next != 0 || page.Events[0].Person != "…4567" || page.Events[0].Name != "" {
		t.Fatalf("events are %+v, want the message with its person masked", page)
	}

	event := page.Events[0]

	var detail consoleapi.EventDetail
	h.console(http.StatusOK, http.MethodGet, "/v1/events/"+event.ID, &detail)

	var steps []string
	for _, step := range detail.Steps {
		steps = append(steps, strings.TrimSpace(step.Step+" "+step.Status+step.Code))
	}

	for _, want := range []string{"received", "attempt_failed http_503", "send_started", "status delivered", "status read", "finished done"} {
		if !slices.Contains(steps, want) {
			t.Errorf("the steps %q lack %q", steps, want)
		}
	}

	if len(detail.Replies) != 1 || len(detail.Replies[0].Statuses) != 1 || detail.Replies[0].Statuses[0].Status != "read" {
		t.Errorf("the replies are %+v, want one, which was read", detail.Replies)
	}

	if detail.Text != "" || detail.Payload != nil || detail.Replies[0].Text != "" || detail.Replies[0].MessageID != "" {
		t.Errorf("without reveal the console shows %+v", detail)
	}

	h.console(http.StatusOK, http.MethodGet, "/v1/events/"+event.ID+"?reveal=true", &detail)

	if detail.Text != "hello" || detail.Name != number+":"+ana || detail.Payload == nil || detail.Replies[0].Text != "You said: hello" {
		t.Errorf("with reveal the console shows %+v", detail)
	}

	var messages consoleapi.MessagePage
	h.console(http.StatusOK, http.MethodGet, "/v1/conversations/"+event.Conversation+"/messages", &messages)

	if len(messages.Messages) != 1 || messages.Messages[0].Text != "" || messages.Messages[0].Answer[0].Statuses[0].Status != "read" {
		t.Errorf("the messages are %+v, want one whose answer was read", messages)
	}

	var figures consoleapi.Figures
	h.console(http.StatusOK, http.MethodGet, "/v1/figures", &figures)

	if len(figures.Rates) != 1 || figures.Rates[0].Number != number || figures.Rates[0].Limit == 0 {
		t.Errorf("the rates are %+v, want that of the number", figures.Rates)
	}

	h.console(http.StatusOK, http.MethodPost, "/v1/conversations/"+event.Conversation+"/take-over?for=1h", nil)

	var audited []string

	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "event=audit") {
			audited = append(audited, line)
		}
	}

	if len(audited) != 2 || !strings.Contains(audited[0], "act=reveal") || !strings.Contains(audited[0], event.ID) ||
		!strings.Contains(audited[1], `act="take over"`) || strings.Contains(log.String(), ana) {
		t.Errorf("the audit log is %q, want the reveal and the takeover without the person", audited)
	}
}

// TestConversationsOfTheConsole checks the lists of conversations, page by page.
func TestConversationsOfTheConsole(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	for i := range 5 {
		h.deliver(http.StatusOK, textDelivery(person(i), standin.Wamid(fmt.Sprint(i)), "hello"))
	}

	h.waitSent(5)
	h.waitIdle()

	var (
		got   []string
		pages int
	)

	for after := ""; ; pages++ {
		var page consoleapi.ConversationPage
		h.console(http.StatusOK, http.MethodGet, "/v1/conversations?limit=2&reveal=true&after="+after, &page)

		for _, conversation := range page.Conversations {
			got = append(got, conversation.Name)
		}

		if after = page.Next; after == "" {
			break
		}
	}

	want := make([]string, 0, 5)
	for i := range 5 {
		want = append(want, number+":"+person(i))
	}

	slices.Sort(got)
	slices.Sort(want)

	if diff := cmp.Diff(want, got); diff != "" || pages != 2 {
		t.Errorf("conversations in %d pages (-want +got):\n%s", pages+1, diff)
	}

	h.console(http.StatusOK, http.MethodPost, "/v1/conversations/"+number+":"+person(1)+"/take-over?for=1h", nil)
	h.console(http.StatusOK, http.MethodPost, "/v1/conversations/"+number+":"+person(2)+"/take-over?for=1h", nil)
	h.clock.Advance(2 * time.Minute) // the time of the last message is accurate to a minute
	h.deliver(http.StatusOK, standin.TextDelivery(number, person(1), "Ana", "wamid.again", "is anyone there?", h.clock.Now()))
	h.waitFor("the message is theirs", func() bool { return h.record("wamid.again").Event.State == store.Human })

	for state, want := range map[string]int{
		"taken_over": 2,
		"waiting":    1,
	} {
		var page consoleapi.ConversationPage
		h.console(http.StatusOK, http.MethodGet, "/v1/conversations?state="+state, &page)

		if len(page.Conversations) != want || page.Conversations[0].Name != "" || !page.Conversations[0].TakenOver {
			t.Errorf("%s: %+v, want %d that a desk has", state, page, want)
		}
	}
}
