// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// echo returns the delivery of a message that a colleague sent from the WhatsApp Business app.
func echo(to, id string) []byte {
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"smb_message_echoes","value":{
		"metadata":{"phone_number_id":%q},"message_echoes":[{"from":"15550783881","to":%q,"id":%q,"type":"text","text":{"body":"I will help"}}]}}]}]}`, number, to, id)
}

// echoOf returns the delivery of an echo to ana with these properties beside its id.
func echoOf(id, properties string) []byte {
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"smb_message_echoes","value":{
		"metadata":{"phone_number_id":%q},"message_echoes":[{"from":"15550783881","to":%q,"id":%q,"text":{"body":"I will help"}%s}]}}]}]}`,
		number, ana, id, properties)
}

// handover returns the delivery of a change of control over ana's conversation.
func handover(kind string, at time.Time) []byte {
	return standin.HandoverDelivery(number, ana, kind == "control_taken", at)
}

// hidden returns the delivery of a text with a user id. An empty waID means that Meta hides the phone number.
func hidden(waID, userID, id, body string) []byte {
	from := ""
	if waID != "" {
		from = fmt.Sprintf(`"from":%q,`, waID)
	}

	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages","value":{
		"metadata":{"phone_number_id":%q},"messages":[{%s"from_user_id":%q,"id":%q,"type":"text","text":{"body":%q}}]}}]}]}`, number, from, userID, id, body)
}

func TestColleagueSilencesTheAI(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "thanks"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
	h.waitSent(1)
	h.waitIdle()

	if asked := h.birdRequests(); len(asked) != 1 || asked[0].Payload["text"] != "hello" {
		t.Errorf("asked %v, want only the message of the person without a colleague", asked)
	}

	if got := h.record("wamid.1").Event.State; got != store.Human {
		t.Errorf("the message to the colleague is %s, want human", got)
	}
}

// TestTakeoverWhileBirdIsAsked delivers a takeover while Bird works on an answer. The person hears only the one who took
// over.
func TestTakeoverWhileBirdIsAsked(t *testing.T) {
	for name, takeover := range map[string]func() []byte{
		"a colleague":       func() []byte { return echo(ana, "wamid.echo") },
		"another responder": func() []byte { return handover("control_taken", time.Now()) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			asked, answer := h.holdAnswer(standin.EchoReply)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
			<-asked
			h.deliver(http.StatusOK, takeover())
			close(answer)
			h.waitIdle()
			h.waitSent(0)

			if got := h.record("wamid.1").Event.State; got != store.Human {
				t.Errorf("the message is %s, want human", got)
			}
		})
	}
}

// TestTakeoverDuringAnOutageOfBird lets a colleague answer a message that waits for Bird. The AI does not answer it too.
func TestTakeoverDuringAnOutageOfBird(t *testing.T) {
	h := newHarness(t, withoutTyping)
	outage := h.Bird.Faults.Add(standin.Fault{Status: http.StatusUnauthorized})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "is anybody there?"))
	h.waitFor("the message waits", func() bool { return len(h.record("wamid.1").Failures) > 0 })
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	h.Bird.Faults.Remove(outage)
	h.waitIdle()
	h.waitSent(0)
}

// TestNoTakeover delivers what programs send from the app, what a colleague wrote long ago, and control that is
// given back. The AI answers.
func TestNoTakeover(t *testing.T) {
	at := func(t time.Time) string { return fmt.Sprintf(`,"timestamp":"%d"`, t.Unix()) }
	now := time.Now()

	for name, deliveries := range map[string][][]byte{
		"Meta's own agent":     {echoOf("wamid.echo", `,"message_creation_type":"created_by_1p_bot"`+at(now))},
		"an away message":      {echoOf("wamid.echo", `,"message_creation_type":"automatic_away"`+at(now))},
		"an echo of yesterday": {echoOf("wamid.echo", at(now.Add(-24*time.Hour)))},
		"control passed back":  {handover("control_taken", now.Add(-time.Minute)), handover("control_passed", now)},
		"in another order":     {handover("control_passed", now), handover("control_taken", now.Add(-time.Minute))},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			h.start()

			for _, body := range deliveries {
				h.deliver(http.StatusOK, body)
			}

			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello?"))
			h.waitSent(1)
		})
	}
}

// TestMessageEndsTheTakeoverByAnotherResponder checks that a person who writes to this app after another responder took
// control is answered: Meta does not report that the responder released the conversation.
func TestMessageEndsTheTakeoverByAnotherResponder(t *testing.T) {
	for name, passes := range map[string]bool{"without passes": false, "with passes": true} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.PassThreadControl = passes })
			h.start()

			now := h.clock.Now()
			h.deliver(http.StatusOK, handover("control_taken", now.Add(-10*time.Minute)))
			h.deliver(http.StatusOK, textAt("wamid.1", "sent before", now.Add(-11*time.Minute)))
			h.deliver(http.StatusOK, textAt("wamid.2", "sent since", now.Add(-time.Minute)))
			h.waitSent(1)
			h.waitIdle()

			if got := h.record("wamid.1").Event.State; got != store.Human {
				t.Errorf("the message from before the takeover is %s, want human", got)
			}

			if got := h.record("wamid.2").Event.State; got != store.Done {
				t.Errorf("the message since the takeover is %s, want done", got)
			}
		})
	}
}

// TestMessageEndsTheTakeoverAfterARefusal does the same for a takeover that a refused send shows.
func TestMessageEndsTheTakeoverAfterARefusal(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.refuse(`{"error":{"code":2494191,"message":"(#2494191) Thread take not permitted"}}`, 1)
	h.start()

	now := h.clock.Now()
	h.deliver(http.StatusOK, textAt("wamid.1", "hello", now.Add(-time.Minute)))
	h.waitFor("the refusal", func() bool { return h.record("wamid.1").Event.State == store.Human })

	// The clock of the harness moves, and the takeover is of the refusal's time.
	h.clock.Advance(time.Hour)
	h.deliver(http.StatusOK, textAt("wamid.2", "hello again", h.clock.Now().Add(-time.Minute)))
	h.waitSent(1)
}

// TestHandoffWithASlowClock checks that the AI hands a conversation off although the change before, the end of a takeover by
// Meta's clock, lies in the future of the receiver's clock.
func TestHandoffWithASlowClock(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.HandoffDuration = time.Hour })
	h.reply = func(string, map[string]any) any {
		return map[string]any{"response": map[string]any{"type": "handoff", "text": "A colleague will write to you."}}
	}
	h.start()

	now := h.clock.Now()
	h.deliver(http.StatusOK, handover("control_taken", now.Add(-10*time.Minute)))
	h.deliver(http.StatusOK, textAt("wamid.1", "a person, please", now.Add(20*time.Second)))
	h.waitSent(1)
	h.deliver(http.StatusOK, textAt("wamid.2", "hello?", now.Add(21*time.Second)))
	h.waitIdle()

	if got := h.record("wamid.2").Event.State; got != store.Human {
		t.Errorf("the message after the handoff is %s, want human", got)
	}
}

// TestRoutingLeavesPeopleTheirConversation checks that people who have a conversation keep it when Meta's routing gives it to
// another responder, or back to this app.
func TestRoutingLeavesPeopleTheirConversation(t *testing.T) {
	for name, tc := range map[string]struct {
		adjust func(*config.Config)
		begin  func(h *harness)
		want   store.State
	}{
		"of the desk": {withoutTyping, func(h *harness) {
			h.deliver(http.StatusOK, textAt("wamid.0", "hello", h.clock.Now().Add(-time.Hour)))
			h.waitSent(1)
			h.waitIdle()
			h.console(http.StatusOK, http.MethodPost, "/v1/conversations/"+number+":"+ana+"/take-over", nil)
		}, store.Human},
		"of a colleague": {withoutTyping, func(h *harness) {
			h.deliver(http.StatusOK, echoOf("wamid.echo", fmt.Sprintf(`,"timestamp":"%d"`, h.clock.Now().Add(-time.Hour).Unix())))
		}, store.Human},
		"after a handoff": {withoutTyping, func(h *harness) {
			h.reply = asksForPeople
			h.deliver(http.StatusOK, textAt("wamid.0", "a person, please", h.clock.Now().Add(-time.Hour)))
			h.waitSent(1)
		}, store.Human},
		"after a handoff to the other responder": {passing, func(h *harness) {
			h.reply = asksForPeople
			h.deliver(http.StatusOK, textAt("wamid.0", "a person, please", h.clock.Now().Add(-time.Hour)))
			h.waitSent(1)
		}, store.Done},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, tc.adjust)
			h.start()
			tc.begin(h)
			h.waitIdle()
			h.clock.Advance(time.Minute)

			now := h.clock.Now()
			h.deliver(http.StatusOK, onStandby("wamid.standby", now.Add(-30*time.Second)))
			h.deliver(http.StatusOK, handover("control_taken", now.Add(-20*time.Second)))
			h.deliver(http.StatusOK, handover("control_passed", now.Add(-10*time.Second)))
			h.deliver(http.StatusOK, textAt("wamid.1", "hello?", now))
			h.waitFor("the message", func() bool { return h.record("wamid.1").Event.State != store.Pending })

			if got := h.record("wamid.1").Event.State; got != tc.want {
				t.Errorf("the message is %s, want %s", got, tc.want)
			}
		})
	}
}

func TestTakeoverAppliesWhenTheNumberIsHidden(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, hidden(ana, "CO.1", "wamid.1", "number and user id"))
	h.waitSent(1)
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	h.waitIdle()
	h.deliver(http.StatusOK, hidden("", "CO.1", "wamid.2", "number hidden"))
	h.waitIdle()

	if got := h.record("wamid.2").Event.State; got != store.Human {
		t.Errorf("the message with a hidden number is %s, want human: a colleague has the conversation", got)
	}
}

func TestHandoff(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.HandoffDuration = time.Hour })
	h.reply = func(_ string, request map[string]any) any {
		if request["text"] == "a person, please" {
			return map[string]any{"response": map[string]any{
				"type":   "handoff",
				"reason": "asked",
				"text":   "A colleague will write to you.",
			}}
		}

		return standin.EchoReply("process_text_message", request)
	}
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))

	if got := h.waitSent(1)[0].Text; got != "A colleague will write to you." {
		t.Errorf("sent %q, want the text of the handoff", got)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "hello?"))
	h.waitFor("handled", func() bool { return h.record("wamid.2").Event.State != store.Pending })

	if got := h.record("wamid.2").Event.State; got != store.Human {
		t.Errorf("the message during the handoff is %s, want human", got)
	}

	h.clock.Advance(time.Hour)

	n := 3
	h.waitFor("the AI is back", func() bool {
		h.deliver(http.StatusOK, textDelivery(ana, fmt.Sprint("wamid.", n), "hello again"))
		n++

		return len(h.Graph.Sent()) > 1
	})
}

func TestHandoffIsAnnounced(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.HandoffDuration = time.Hour })
	h.reply = func(string, map[string]any) any {
		return map[string]any{"response": map[string]any{
			"type":   "handoff",
			"reason": "complaint" + strings.Repeat("!", 1000),
			"text":   "A colleague will write to you.",
		}}
	}
	h.start()

	before := h.clock.Now()

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "I want to complain"))
	h.waitFor("the notice", func() bool { return len(h.sink.notices("conversation.handed_off")) > 0 })
	h.waitIdle()

	notices := h.sink.notices("conversation.handed_off")
	if len(notices) != 1 {
		t.Fatalf("%d notices of the handoff, want 1", len(notices))
	}

	got := notices[0]
	if got.Source != "/phone-numbers/"+number || got.Subject != h.record("wamid.1").Event.ID.String() {
		t.Errorf("the notice is about %s %s, want the number and the event", got.Source, got.Subject)
	}

	data, _ := got.Data.(map[string]any)
	if reason, _ := data["reason"].(string); !strings.HasPrefix(reason, "complaint") || len(reason) > 256 {
		t.Errorf("the reason has %d bytes: %q, want Bird's words, at most 256 bytes", len(reason), reason)
	}

	until, err := time.Parse(time.RFC3339, fmt.Sprint(data["until"]))
	if err != nil || until.Before(before.Add(time.Hour)) || until.After(h.clock.Now().Add(time.Hour)) {
		t.Errorf("the AI is silent until %v, want in an hour", data["until"])
	}
}

// TestHandoffOfALongAnswer cuts an answer with too many messages. The person learns of the handoff all the same.
func TestHandoffOfALongAnswer(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.MaxMessagesPerAnswer = 2 })
	h.reply = func(string, map[string]any) any {
		return map[string]any{
			"response": []any{"one", apart("two"), "three"},
			"handoff":  map[string]any{"text": "A colleague will write to you."},
		}
	}
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))

	sent := h.waitSent(2)
	if sent[0].Text != "one" || !strings.Contains(sent[1].Text, "A colleague will write to you.") {
		t.Errorf("sent %q, want the first message and the text of the handoff", sentTexts(sent))
	}
}
