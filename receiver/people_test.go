// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// withDesk sends what people need to know to the desk.
func withDesk(c *config.Config) {
	withoutTyping(c)

	c.Handoff.URL = "http://desk" // newHarness puts the address of the stand-in in its place
}

// handsOffForReason hands each conversation over.
func handsOffForReason(string, map[string]any) any {
	return map[string]any{"response": map[string]any{
		"type":   "handoff",
		"reason": "complaint",
		"text":   "A colleague will write to you.",
	}}
}

// handsOffIfAsked hands a conversation over when the person asks for it.
func handsOffIfAsked(method string, request map[string]any) any {
	if request["text"] == "a person, please" {
		return handsOffForReason(method, request)
	}

	return standin.EchoReply(method, request)
}

// waitDesk waits until the desk has got n requests, and returns them.
func (h *harness) waitDesk(n int) []standin.BirdCall {
	h.t.Helper()

	var calls []standin.BirdCall

	h.waitFor("requests to the desk", func() bool { calls = h.Desk.Asked(); return len(calls) >= n })
	h.waitIdle()

	if len(calls) != n {
		h.t.Fatalf("%d requests to the desk, want %d", len(calls), n)
	}

	return calls
}

func TestDeskGetsTheHandoffAndTheMessages(t *testing.T) {
	h := newHarness(t, withDesk)
	h.reply = handsOffForReason
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "I want to complain"))
	h.waitSent(1)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "hello?"))
	h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(
		`"messages":[{"from":%q,"id":"wamid.3","timestamp":"%d","type":"image","image":{"id":"1","mime_type":"image/jpeg","caption":"look"}}]`,
		ana, time.Now().Unix())))

	calls := h.waitDesk(3)

	handoff := calls[0].Payload
	for key, want := range map[string]any{
		"method":           "conversation_handed_off",
		"reason":           "complaint",
		"text":             "I want to complain",
		"message_id":       "wamid.1",
		"conversation_key": number + ":" + ana,
		"event_id":         h.record("wamid.1").Event.ID.String(),
	} {
		if handoff[key] != want {
			t.Errorf("%s of the handoff = %v, want %v", key, handoff[key], want)
		}
	}

	message := calls[1].Payload
	for key, want := range map[string]any{
		"method":     "human_message",
		"text":       "hello?",
		"type":       "text",
		"message_id": "wamid.2",
		"from":       ana,
		"event_id":   h.record("wamid.2").Event.ID.String(),
	} {
		if message[key] != want {
			t.Errorf("%s of the message = %v, want %v", key, message[key], want)
		}
	}

	want := map[string]any{"type": "image", "mime_type": "image/jpeg", "caption": "look"}
	if diff := cmp.Diff(want, calls[2].Payload["media"]); diff != "" {
		t.Errorf("media (-want +got):\n%s", diff)
	}

	if calls[2].Payload["text"] != "[photo] look" {
		t.Errorf("text of the photo = %v", calls[2].Payload["text"])
	}

	if got := h.sink.notices("message.for_people"); len(got) > 0 {
		t.Errorf("notices of messages that the desk got: %v", got)
	}
}

// TestMessagesForPeopleAreAnnounced checks that without a desk a notice says that a person waits.
func TestMessagesForPeopleAreAnnounced(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.reply = handsOffForReason
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "I want to complain"))
	h.waitSent(1)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "hello?"))
	h.waitFor("the notice", func() bool { return len(h.sink.notices("message.for_people")) > 0 })
	h.waitIdle()

	got := h.sink.notices("message.for_people")
	if len(got) != 1 || got[0].Subject != h.record("wamid.2").Event.ID.String() {
		t.Errorf("notices = %+v, want one about the message", got)
	}

	if calls := h.Desk.Asked(); len(calls) > 0 {
		t.Errorf("%d requests to the desk, want none", len(calls))
	}
}

// TestMessagesToOthersStayTheirs checks that the desk gets no message that a colleague or another responder sees anyway.
func TestMessagesToOthersStayTheirs(t *testing.T) {
	for name, takeover := range map[string]func() []byte{
		"a colleague": func() []byte { return echo(ana, "wamid.echo") },
		// A later message would show that this app has the conversation again.
		"another responder": func() []byte { return handover("control_taken", time.Now()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withDesk)
			h.start()
			h.deliver(http.StatusOK, takeover())
			h.deliver(http.StatusOK, textAt("wamid.1", "thanks", time.Now().Add(-time.Minute)))
			h.waitFor("the message", func() bool { return h.record("wamid.1").Event.State == store.Human })
			h.waitDesk(0)
		})
	}
}

// TestDeskTakesOverWhileTheAIIsAsked checks that the desk gets the message whose answer is withheld, and texts that belong to
// it.
func TestDeskTakesOverWhileTheAIIsAsked(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withDesk(c); c.Processing.Debounce = time.Minute })
	asked, answer := h.holdAnswer(standin.EchoReply)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much"))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "is it?"))
	h.waitFor("the texts to wait", h.nothingDue)
	h.clock.Advance(time.Minute)
	<-asked
	h.console(http.StatusOK, http.MethodPost, "/conversations/"+number+":"+ana+"/take-over", nil)
	close(answer)

	var texts []any
	for _, call := range h.waitDesk(2) {
		texts = append(texts, call.Payload["text"])
	}

	if diff := cmp.Diff([]any{"how much", "is it?"}, texts); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}

	h.waitSent(0)
}

// TestDeskTakesOverFromASilentAI checks that the desk gets the message also if the AI answers it with nothing to withhold: it
// hands the conversation off without a text, or answers later, which will be refused.
func TestDeskTakesOverFromASilentAI(t *testing.T) {
	for name, reply := range map[string]func(string, map[string]any) any{
		"handoff without a text": func(string, map[string]any) any {
			return map[string]any{"response": map[string]any{"type": "handoff", "reason": "complaint"}}
		},
		"later answer": answersLater,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withDesk)
			asked, answer := h.holdAnswer(reply)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
			<-asked
			h.console(http.StatusOK, http.MethodPost, "/conversations/"+number+":"+ana+"/take-over", nil)
			close(answer)

			if call := h.waitDesk(1)[0]; call.Method != standin.HumanMessage || call.Payload["text"] != "how much is it?" {
				t.Errorf("the desk got %s about %v, want the message", call.Method, call.Payload["text"])
			}

			if got := h.record("wamid.1").Event.State; got != store.Human {
				t.Errorf("the message is %s, want human", got)
			}
		})
	}
}

// TestDeskTakesOverBeforeAnOutageIsSeen checks that the desk gets a message during whose only question it took the conversation
// over: the message does not wait for the AI.
func TestDeskTakesOverBeforeAnOutageIsSeen(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withDesk(c); c.Processing.ConfigurationRetry = 10 * time.Minute })
	asked, answer := h.holdAnswer(func(string, map[string]any) any {
		return standin.Answer{Status: http.StatusUnauthorized, Body: map[string]any{}}
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	<-asked
	h.console(http.StatusOK, http.MethodPost, "/conversations/"+number+":"+ana+"/take-over", nil)
	close(answer)

	if got := h.waitDesk(1)[0].Payload["text"]; got != "how much is it?" {
		t.Errorf("the desk got %v, want the message", got)
	}

	h.waitSent(0)
}

// TestDeskIsAway lets the desk fail for one conversation, then for all. Messages reach it in order once it is back, and other
// work goes on meanwhile.
func TestDeskIsAway(t *testing.T) {
	for status, problem := range map[int]bool{
		http.StatusServiceUnavailable: false,
		http.StatusUnauthorized:       true,
		http.StatusNotFound:           true,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withDesk)
			h.reply = handsOffForReason
			outage := h.Desk.Faults.Add(standin.Fault{Status: status})
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "one"))
			h.waitSent(1)
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "two"))
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.3", "three"))
			h.deliver(http.StatusOK, textDelivery(luis, "wamid.4", "four"))
			h.waitSent(2)
			h.waitFor("the notices", func() bool { return len(h.sink.notices("conversation.handed_off")) == 2 })
			h.waitFor("a call to the desk", func() bool { return h.Desk.Recorder.Total() > 3 })

			if _, found := h.status().Problems["call the desk"]; found != problem {
				t.Errorf("problems = %v, want one of the desk: %t", h.status().Problems, problem)
			}

			h.Desk.Faults.Remove(outage)

			var texts []any

			for _, call := range h.waitDesk(4) {
				if call.Payload["from"] == ana {
					texts = append(texts, call.Payload["text"])
				}
			}

			if diff := cmp.Diff([]any{"one", "two", "three"}, texts); diff != "" {
				t.Errorf("texts of ana (-want +got):\n%s", diff)
			}

			if got := h.status().Problems; len(got) > 0 {
				t.Errorf("problems = %v, want none any more", got)
			}
		})
	}
}

// TestDeskFailsAtOneMessage lets the desk fail at one message of ana while it accepts those of luis. What ana writes afterwards
// reaches it.
func TestDeskFailsAtOneMessage(t *testing.T) {
	h := newHarness(t, withDesk)
	h.reply = handsOffForReason
	h.WrapDesk(refusing("poison", http.StatusInternalServerError))
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "one"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "two"))
	h.waitSent(2)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.3", "poison"))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.4", "are you there?"))

	has := func(text string) bool {
		return slices.ContainsFunc(h.Desk.Asked(), func(call standin.BirdCall) bool { return call.Payload["text"] == text })
	}

	for n := range 15 {
		text := fmt.Sprint("still here ", n)
		h.deliver(http.StatusOK, textDelivery(luis, fmt.Sprint("wamid.luis", n), text))
		h.waitFor("the message of luis", func() bool { return has(text) })

		h.clock.Advance(time.Minute)
		h.waitFor("the calls to the desk", func() bool {
			schedules, _, err := h.Local.Store().Schedule(t.Context(), h.clock.Now())

			return err == nil && schedules[store.Notices].NextDue.After(h.clock.Now()) || h.stats().PendingNotices == 0
		})
	}

	if !has("are you there?") {
		t.Error("the desk did not get what ana wrote after the message at which it fails")
	}
}

// TestDeskStaysAway checks that a message expires after a day.
func TestDeskStaysAway(t *testing.T) {
	h := newHarness(t, withDesk)
	h.reply = handsOffForReason
	h.Desk.Faults.Add(standin.Fault{Status: http.StatusBadGateway})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "one"))
	h.waitFor("a call to the desk", func() bool { return h.Desk.Recorder.Total() > 0 })
	h.clock.Advance(25 * time.Hour)
	h.waitIdle()

	totals, err := h.Local.Store().Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	for _, total := range totals {
		if total.Kind == store.KindDeskMessage && total.State != store.Expired {
			t.Errorf("%d messages for the desk are %s, want expired", total.Count, total.State)
		}
	}
}

// TestHandoffOfALaterAnswerToDesk checks that the desk learns which question the AI handed off.
func TestHandoffOfALaterAnswerToDesk(t *testing.T) {
	h := newHarness(t, withDesk)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))
	h.waitAsked("wamid.1")

	message := h.answerTo("wamid.1", "")
	message.Body = []byte(`{"handoff":{"reason":"","text":"A colleague will write to you."}}`)
	h.post("key", message)
	h.waitSent(1)
	h.clock.Advance(2 * time.Minute)

	call := h.waitDesk(1)[0]
	if call.Method != standin.HandedOff || call.Payload["event_id"] != h.record("wamid.1").Event.ID.String() {
		t.Errorf("the desk got %s about %v, want the handoff of the question", call.Method, call.Payload["event_id"])
	}

	if call.Payload["text"] != "a person, please" || call.Payload["reason"] != "" {
		t.Errorf("the desk got %v, want the question and an empty reason", call.Payload)
	}

	h.post("key 2", h.unasked(outbound.Desk, "Hello, I am Eva."))

	if got := h.waitSent(2)[1].Text; got != "Hello, I am Eva." {
		t.Errorf("sent %q, want the message of the desk", got)
	}
}

// TestHandoffWhileAKeyIsMissing removes the key with which an earlier message was encrypted. The desk learns of the handoff all
// the same, without the turns before.
func TestHandoffWhileAKeyIsMissing(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withDesk(c)

		c.Store.Encrypted = true
	})
	h.reply = handsOffIfAsked
	h.writeSecret(config.RoleStoreKey, "0", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32)))
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.waitIdle()
	h.writeSecret(config.RoleStoreKey, "0", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{2}, 32)))
	h.Local.Live.Reload()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "a person, please"))

	handoff := h.waitDesk(1)[0]
	if history, ok := handoff.Payload["history"]; ok || handoff.Payload["text"] != "a person, please" {
		t.Errorf("the desk got %v with the history %v, want the message without it", handoff.Payload["text"], history)
	}
}

// TestPeopleAnswerThroughTheDesk hands a conversation off, lets people answer it, and gives it back to the AI.
func TestPeopleAnswerThroughTheDesk(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withDesk(c); withMessagesAPI(c) })
	h.reply = handsOffIfAsked
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "a person, please"))

	handoff := h.waitDesk(1)[0]

	history, _ := handoff.Payload["history"].([]any)
	if len(history) != 2 {
		t.Fatalf("history = %v, want the first question and its answer", history)
	}

	for i, from := range []string{"person", "ai"} {
		turn, _ := history[i].(map[string]any)
		if text := fmt.Sprint(turn["text"]); !strings.Contains(text, "hello") || turn["from"] != from {
			t.Errorf("turn %d of the history = %v, want that of the %s", i+1, turn, from)
		}
	}

	if got := h.status().WaitingForPeople; got.Conversations != 1 {
		t.Errorf("waiting for people: %+v, want one", got)
	}

	if posted, err := h.Desk.Answer(t.Context(), handoff, "desk 1", "Hello, I am Eva."); err != nil || posted.Status != http.StatusAccepted {
		t.Fatalf("the desk's message was answered %+v, %v", posted, err)
	}

	h.waitSent(3)

	if takeover := h.conversation().Takeover; takeover.By != store.Desk {
		t.Errorf("the conversation is of %q, want of the desk", takeover.By)
	}

	if got := h.status().WaitingForPeople; got.Conversations != 0 {
		t.Errorf("waiting for people after the answer: %+v, want none", got)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.3", "thank you"))

	message := h.waitDesk(2)[1]
	if message.Payload["text"] != "thank you" {
		t.Errorf("the desk got %v, want what ana wrote", message.Payload["text"])
	}

	if err := h.Desk.HandBack(t.Context(), message); err != nil {
		t.Fatal(err)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.4", "one more question"))

	if got := h.waitSent(4)[3].Text; !strings.Contains(got, "one more question") {
		t.Errorf("sent %q, want the answer of the AI", got)
	}

	h.waitIdle()

	subject := h.record("wamid.2").Event.ID.String()
	for _, kind := range []string{"conversation.handed_off", "conversation.taken_over", "conversation.returned"} {
		if got := h.sink.notices(kind); len(got) != 1 || got[0].Subject != subject {
			t.Errorf("notices %s = %+v, want one about the handoff", kind, got)
		}
	}
}

// TestDeskGetsALinkToAFile checks that people can see the file of a message by its link.
func TestDeskGetsALinkToAFile(t *testing.T) {
	h := newHarness(t, withDesk)
	h.reply = handsOffForReason
	h.Graph.PutMedia("500", "image/jpeg", []byte("a photo"))
	h.startWithLinks()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "I want to complain"))
	h.waitSent(1)
	h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(
		`"messages":[{"from":%q,"id":"wamid.2","timestamp":"%d","type":"image","image":{"id":"500","mime_type":"image/jpeg"}}]`,
		ana, time.Now().Unix())))

	file, _ := h.waitDesk(2)[1].Payload["media"].(map[string]any)

	link, _ := file["url"].(string)
	if status, body := h.get(http.MethodGet, link); status != http.StatusOK || string(body) != "a photo" {
		t.Errorf("%q was answered %d %q, want the file", link, status, body)
	}
}

// TestMessagesOfAConversation reads at the console who wrote which message.
func TestMessagesOfAConversation(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withDesk(c); withMessagesAPI(c) })
	h.reply = func(method string, request map[string]any) any {
		if request["text"] == "a person, please" {
			return handsOffForReason(method, request)
		}

		return standin.EchoReply(method, request)
	}
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "a person, please"))
	h.waitSent(2)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.3", "are you there?"))
	h.waitDesk(2)
	h.waitEnded(h.post("key", h.unasked(outbound.Desk, "Hello, I am Eva.")))
	h.waitIdle()

	type line struct {
		From, Text, State string
		Answer            []string
	}

	var (
		got    []line
		before string
	)

	for range 2 { // pages
		var page struct {
			Messages []struct {
				From, Text, State string
				Answer            []struct{ Text, State string }
			}
			Next int64
		}

		h.console(http.StatusOK, http.MethodGet, "/conversations/"+number+":"+ana+"/messages?limit=3"+before, &page)

		for _, m := range page.Messages {
			said := line{From: m.From, Text: m.Text, State: m.State}
			for _, part := range m.Answer {
				said.Answer = append(said.Answer, part.Text+" "+part.State)
			}

			got = append(got, said)
		}

		before = fmt.Sprintf("&before=%d", page.Next)
	}

	want := []line{
		{From: "desk", State: "done", Answer: []string{"Hello, I am Eva. sent"}},
		{From: "person", Text: "are you there?", State: "human"},
		{From: "person", Text: "a person, please", State: "done", Answer: []string{"A colleague will write to you. sent"}},
		{From: "person", Text: "hello", State: "done", Answer: []string{"You said: hello sent"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}

	h.console(http.StatusBadRequest, http.MethodGet, "/conversations/"+number+":"+ana+"/messages?before=x", nil)
	h.console(http.StatusBadRequest, http.MethodGet, "/conversations/"+number+":"+ana+"/messages?after=1", nil)
}

// TestHandoffOfTexts checks that the desk gets all texts that the AI was asked about at once.
func TestHandoffOfTexts(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withDesk(c); c.Processing.Debounce = time.Minute })
	h.reply = handsOffForReason
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "I want"))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "to complain"))
	h.waitFor("the texts to wait", h.nothingDue)
	h.clock.Advance(time.Minute)

	if got := h.waitDesk(1)[0].Payload["text"]; got != "I want\nto complain" {
		t.Errorf("the desk got %q, want both texts", got)
	}
}
