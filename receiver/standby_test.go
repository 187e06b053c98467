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

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// onStandby returns the delivery of a text that ana wrote while another responder has the conversation.
func onStandby(id string, at time.Time) []byte {
	return fieldDelivery("standby", fmt.Sprintf(`"standby":{"contacts":[{"wa_id":%q}],"messages":[`+
		`{"from":%q,"id":%q,"timestamp":"%d","type":"text","text":{"body":"SECRET"}}]}`, ana, ana, id, at.Unix()))
}

func textAt(id, body string, at time.Time) []byte {
	return standin.TextDelivery(number, ana, "Ana", id, body, at)
}

func TestMessagesOnStandbyAreNotAnswered(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	now := h.clock.Now()
	h.deliver(http.StatusOK, onStandby("wamid.1", now.Add(-3*time.Minute)))
	h.deliver(http.StatusOK, onStandby("wamid.2", now.Add(-2*time.Minute)))
	h.deliver(http.StatusOK, onStandby("wamid.2", now.Add(-2*time.Minute)))
	h.waitIdle()

	if asked := h.birdRequests(); len(asked) > 0 || len(h.Graph.Sent()) > 0 {
		t.Errorf("Bird was asked %v and %d messages were sent, want none", asked, len(h.Graph.Sent()))
	}

	conversation, err := h.Local.Store().Conversation(t.Context(), number+":"+ana)
	if err != nil || conversation.Takeover.By != store.OtherResponder {
		t.Errorf("the conversation is of %q (%v), want the other responder", conversation.Takeover.By, err)
	}

	h.waitFor("notices", func() bool { return len(h.sink.notices("account.standby")) == 2 })

	for _, notice := range h.sink.notices("account.standby") {
		if notice.Data != nil {
			t.Errorf("the notice has the data %v, want none", notice.Data)
		}
	}

	report := h.status()
	if len(report.Standby) != 1 || report.Standby[0].PhoneNumberID != number || report.Standby[0].Messages != 2 {
		t.Errorf("standby = %+v, want two messages of %s", report.Standby, number)
	}

	warning := "messages of phone number " + number + " go to another responder"
	if !slices.Contains(report.Warnings, warning) {
		t.Errorf("warnings = %q, want one about another responder", report.Warnings)
	}

	// The person writes to this app again, so it has the conversation.
	h.deliver(http.StatusOK, textAt("wamid.3", "hello", now.Add(-time.Minute)))
	h.waitSent(1)
	h.waitIdle()

	if report = h.status(); len(report.Standby) > 0 || report.Status != "healthy" {
		t.Errorf("afterwards standby = %+v and the status %s %q, want none and healthy", report.Standby, report.Status, report.Warnings)
	}
}

// TestPeopleAnswerWhatCameOnStandby checks that people can answer what the person wrote to another responder, once that has
// passed the conversation to this app: the service window is that of the number.
func TestPeopleAnswerWhatCameOnStandby(t *testing.T) {
	h := newHarness(t, withMessages)
	h.start()

	now := h.clock.Now()
	h.deliver(http.StatusOK, onStandby("wamid.1", now.Add(-2*time.Minute)))
	h.deliver(http.StatusOK, handover("control_passed", now.Add(-time.Minute)))
	h.waitIdle()

	h.postMessage(http.StatusAccepted, folder.DeskKey, "key", toAna("good morning"))

	if got := h.waitSent(1)[0]; got.Type != "text" || got.Text != "good morning" {
		t.Errorf("sent %+v, want the text", got)
	}
}

// TestStandbyWithholdsAnAnswer checks that an answer does not go out after another responder got the conversation: Meta
// would give it back for that.
func TestStandbyWithholdsAnAnswer(t *testing.T) {
	h := newHarness(t, withoutTyping)
	asked, answer := h.holdAnswer(standin.EchoReply)
	h.start()

	now := h.clock.Now()
	h.deliver(http.StatusOK, textAt("wamid.1", "hello", now.Add(-2*time.Minute)))
	<-asked
	h.deliver(http.StatusOK, onStandby("wamid.2", now.Add(-time.Minute)))
	close(answer)
	h.waitIdle()

	if sent := h.Graph.Sent(); len(sent) > 0 {
		t.Errorf("sent %v, want nothing", sent)
	}

	if record := h.record("wamid.1"); record.Event.State != store.Human || len(record.Replies) != 1 {
		t.Errorf("the message is %s with %d replies, want human with the withheld one", record.Event.State, len(record.Replies))
	}
}

// TestStandbyIsNoHandoff checks that a change of who has a conversation on standby is not announced as that of a handoff:
// the sink never heard of one.
func TestStandbyIsNoHandoff(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, onStandby("wamid.1", h.clock.Now().Add(-time.Minute)))
	h.waitIdle()

	path := "/v1/conversations/" + number + ":" + ana

	var shown struct{ By, Event string }
	h.console(http.StatusOK, http.MethodGet, path, &shown)

	if shown.By != string(store.OtherResponder) || shown.Event != "" {
		t.Errorf("the console shows the holder %q by the answer to %q, want another responder by none", shown.By, shown.Event)
	}

	h.console(http.StatusOK, http.MethodPost, path+"/take-over", nil)
	h.console(http.StatusOK, http.MethodPost, path+"/give-back", nil)
	h.waitIdle()

	for _, kind := range []string{"conversation.taken_over", "conversation.returned"} {
		if got := h.sink.notices(kind); len(got) > 0 {
			t.Errorf("notices %s = %+v, want none", kind, got)
		}
	}
}

// A message that is older than the conversation's change does not give it back.
func TestOlderMessageDoesNotEndStandby(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	now := h.clock.Now()
	h.deliver(http.StatusOK, onStandby("wamid.2", now.Add(-time.Minute)))
	h.deliver(http.StatusOK, textAt("wamid.1", "hello", now.Add(-2*time.Minute)))
	h.waitIdle()

	if state := h.record("wamid.1").Event.State; state != store.Human {
		t.Errorf("the message is %s, want human", state)
	}
}

// A colleague's takeover does not end because the person writes on.
func TestMessageDoesNotEndOtherTakeovers(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	now := h.clock.Now()
	h.deliver(http.StatusOK, onStandby("wamid.1", now.Add(-3*time.Minute)))
	h.deliver(http.StatusOK, []byte(strings.Replace(string(echo(ana, "wamid.echo")), `"type":"text"`,
		fmt.Sprintf(`"type":"text","timestamp":"%d"`, now.Add(-2*time.Minute).Unix()), 1)))
	h.deliver(http.StatusOK, textAt("wamid.2", "hello", now.Add(-time.Minute)))
	h.waitIdle()

	if state := h.record("wamid.2").Event.State; state != store.Human {
		t.Errorf("the message is %s, want human", state)
	}
}
