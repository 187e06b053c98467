// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// readReceipts selects the calls that mark a message as read.
func readReceipts(c standin.Call) bool { return bytes.Contains(c.Body, []byte(`"status":"read"`)) }

// recipients are the ways in which Meta may name ana in a status of a message to her.
var recipients = map[string]string{
	"the same number":       `"recipient_id":"573001234567"`,
	"the number otherwise":  `"recipient_id":"57001234567"`,
	"a user id":             `"recipient_user_id":"CO.99"`,
	"an unknown user id":    `"recipient_user_id":"CO.77"`,
	"a parent user id":      `"parent_recipient_user_id":"CO.ENT.99"`,
	"both in another order": `"recipient_id":"57001234567","recipient_user_id":"CO.77"`,
	"nothing":               `"recipient_type":"individual"`,
}

// failed returns the delivery of a failed status that names the recipient in its own way.
func failed(sent standin.SentMessage, recipient string, code int) []byte {
	return messagesDelivery(fmt.Sprintf(`"statuses":[{"id":%q,"status":"failed",%s,"biz_opaque_callback_data":%q,"errors":[{"code":%d}]}]`,
		sent.ID, recipient, sent.Callback, code))
}

// TestClosedWindowOfTheConversation checks that a window which Meta reports as closed is that of the conversation which the
// message was sent in, whatever the status calls the person.
func TestClosedWindowOfTheConversation(t *testing.T) {
	for name, recipient := range recipients {
		for _, template := range []string{"come_back", ""} {
			t.Run(fmt.Sprintf("%s, template %q", name, template), func(t *testing.T) {
				t.Parallel()

				h := newHarness(t, func(c *config.Config) {
					withoutTyping(c)

					if template != "" {
						c.Processing.FallbackTemplate = config.FallbackTemplate{Name: template, Language: "es"}
					}
				})
				h.start()
				h.deliver(http.StatusOK, hidden(ana, "CO.99", "wamid.1", "hello"))
				sent := h.waitSent(1)[0]
				h.waitIdle()
				h.deliver(http.StatusOK, failed(sent, recipient, 131047))
				h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
				h.waitIdle()

				state, err := h.Local.Store().Conversation(t.Context(), number+":"+ana)
				if err != nil || !state.TemplateRequired {
					t.Errorf("conversation %+v, %v; want it to require a template", state, err)
				}

				if template != "" {
					if got := h.waitSent(2)[1]; got.Type != "template" {
						t.Errorf("sent %s, want the template", got.Type)
					}

					return
				}

				h.waitSent(1)

				if got := h.record("wamid.1").Event.State; got != store.Dead {
					t.Errorf("the message is %s, want a dead letter", got)
				}

				h.waitFor("the notice", func() bool { return len(h.sink.notices("template.required")) == 1 })
			})
		}
	}
}

// limitedForAnHour makes the first pause of a person's limit an hour.
func limitedForAnHour(c *config.Config) {
	withoutTyping(c)
	c.Processing.Retry.BaseDelay = time.Hour
	c.Processing.Retry.MaxDelay = time.Hour
}

// pausedScopes returns the scopes that are paused.
func (h *harness) pausedScopes() []string {
	h.t.Helper()

	_, pauses, err := h.Local.Store().Schedule(h.t.Context(), time.Now())
	if err != nil {
		h.t.Fatal(err)
	}

	var scopes []string
	for _, pause := range pauses {
		scopes = append(scopes, pause.Scope)
	}

	return scopes
}

// TestPairLimitOfTheConversation checks that the limit of a person pauses that person's conversation, whatever the status
// calls the person.
func TestPairLimitOfTheConversation(t *testing.T) {
	for name, recipient := range recipients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, limitedForAnHour)
			h.start()
			h.deliver(http.StatusOK, hidden(ana, "CO.99", "wamid.1", "hello"))
			sent := h.waitSent(1)[0]
			h.waitIdle()
			h.deliver(http.StatusOK, failed(sent, recipient, 131056))
			h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
			h.deliver(http.StatusOK, hidden("", "CO.99", "wamid.2", "again"))
			h.deliver(http.StatusOK, textDelivery(luis, "wamid.3", "another person"))
			h.waitFor("the other person's answer", func() bool { return len(h.Graph.Sent()) == 2 })
			h.waitFor("all events wait", h.allWait)

			if asked := h.birdRequests(); len(asked) != 2 || h.record("wamid.2").Event.State != store.Pending {
				t.Errorf("Bird was asked %d times and the message is %s, want it to wait", len(asked), h.record("wamid.2").Event.State)
			}

			if diff := cmp.Diff([]string{"pair:" + number + ":" + ana}, h.pausedScopes()); diff != "" {
				t.Errorf("pauses (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPairLimitOfAnotherApplication checks that the limit of a person is known under every name, also by the status of a
// message that another application sent, and for a message with a name that was not known then.
func TestPairLimitOfAnotherApplication(t *testing.T) {
	for name, tc := range map[string]struct{ first, next []byte }{
		"known by both names": {hidden(ana, "CO.99", "wamid.1", "hello"), textDelivery(ana, "wamid.2", "again")},
		"with a new name":     {hidden("", "CO.99", "wamid.1", "hello"), hidden(ana, "CO.99", "wamid.2", "again")},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, limitedForAnHour)
			h.start()
			h.deliver(http.StatusOK, tc.first)
			h.waitSent(1)
			h.waitIdle()
			h.deliver(http.StatusOK, failed(standin.SentMessage{ID: "wamid.theirs", Callback: "theirs"}, `"recipient_user_id":"CO.99"`, 131056))
			h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
			h.deliver(http.StatusOK, tc.next)
			h.waitFor("all events wait", h.allWait)

			if n := len(h.Graph.Sent()); n != 1 {
				t.Errorf("%d messages were sent, want the second to wait", n)
			}
		})
	}
}

// TestColleagueHasTheConversationOfAFailedMessage checks that a message which failed is not sent again while a colleague has
// the conversation, whatever the status calls the person.
func TestColleagueHasTheConversationOfAFailedMessage(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	sent := h.waitSent(1)[0]
	h.waitIdle()
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	h.deliver(http.StatusOK, failed(sent, recipients["the number otherwise"], 131000))
	h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
	h.waitIdle()
	h.waitSent(1)
}

// The ways in which Meta may say that a message to the group failed: for one participant, or for the whole group.
const (
	toParticipant = `"recipient_type":"group","recipient_id":"bWFkZQ","recipient_participant_id":"573009999999"`
	toNamedGroup  = `"group_id":"bWFkZQ","recipient_id":"573009999999"`
	toGroup       = `"recipient_type":"group","recipient_id":"bWFkZQ"`
)

// inGroup returns the delivery of a text in the group.
func inGroup(message, body string) []byte {
	return messagesDelivery(fmt.Sprintf(`"messages":[{"from":%q,"group_id":"bWFkZQ","id":%q,"type":"text","text":{"body":%q}}]`,
		ana, message, body))
}

// TestAFailureOfOneParticipant lets an answer to a group fail for one participant, or for the whole group. It is sent to the
// group again only if none has it.
func TestAFailureOfOneParticipant(t *testing.T) {
	for _, tc := range []struct {
		name, recipient string
		code            int
		want            []string // that was sent
	}{
		{"participant", toParticipant, 131000, []string{"text"}},
		{"participant", toParticipant, 130429, []string{"text"}},
		{"participant", toParticipant, 131047, []string{"text"}},
		{"group beside the recipient", toNamedGroup, 131000, []string{"text"}},
		{"group beside the recipient", toNamedGroup, 130429, []string{"text"}},
		{"group beside the recipient", toNamedGroup, 131047, []string{"text"}},
		{"whole group", toGroup, 131000, []string{"text", "text"}},
		{"whole group", toGroup, 130429, []string{"text", "text"}},
		{"whole group", toGroup, 131047, []string{"text", "template"}},
	} {
		t.Run(fmt.Sprintf("%s, %d", tc.name, tc.code), func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withTemplate)
			h.start()
			h.deliver(http.StatusOK, inGroup("wamid.1", "hi"))

			sent := h.waitSent(1)[0]
			h.waitIdle()
			h.deliver(http.StatusOK, failed(sent, tc.recipient, tc.code))
			h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
			h.wantSent(tc.want...)

			if notice := h.sink.notices("message.failed")[0]; saysResent(notice) != (len(tc.want) > 1) {
				t.Errorf("the notice has %v, want whether the message is sent again", notice.Data)
			}
		})
	}
}

// TestAWindowClosedForOneParticipant posts a message to a group after Meta reported for one participant that the window is
// closed. It is open for the group.
func TestAWindowClosedForOneParticipant(t *testing.T) {
	h := newHarness(t, withMessages)
	h.start()
	h.deliver(http.StatusOK, inGroup("wamid.1", "hi"))

	sent := h.waitSent(1)[0]
	h.waitIdle()
	h.deliver(http.StatusOK, failed(sent, toParticipant, 131047))
	h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
	h.waitIdle()

	h.postMessage(http.StatusAccepted, folder.AssistantKey, "1",
		`{"conversation_key":"`+number+`:group:bWFkZQ","response":"One more thing."}`)
	h.wantSent("text", "text")
}

// TestPairLimitOfOneParticipant checks that the limit of one participant of a group pauses the messages to that person, and not
// those to the group.
func TestPairLimitOfOneParticipant(t *testing.T) {
	for name, recipient := range map[string]string{"participant": toParticipant, "group beside the recipient": toNamedGroup} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, limitedForAnHour)
			h.start()
			h.deliver(http.StatusOK, inGroup("wamid.1", "hi"))

			sent := h.waitSent(1)[0]
			h.waitIdle()
			h.deliver(http.StatusOK, failed(sent, recipient, 131056))
			h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })

			if diff := cmp.Diff([]string{"pair:" + number + ":573009999999"}, h.pausedScopes()); diff != "" {
				t.Errorf("pauses (-want +got):\n%s", diff)
			}

			h.deliver(http.StatusOK, inGroup("wamid.2", "again"))
			h.waitSent(2)
		})
	}
}

// TestPairLimitOfAKnownParticipant checks that the limit of a participant pauses the messages to that person under every name of
// the person.
func TestPairLimitOfAKnownParticipant(t *testing.T) {
	for name, participant := range map[string]string{
		"by number":  `"recipient_participant_id":"573001234567"`,
		"by user id": `"recipient_participant_user_id":"CO.99"`,
	} {
		for next, delivery := range map[string][]byte{
			"number":  textDelivery(ana, "wamid.3", "again"),
			"user id": hidden("", "CO.99", "wamid.3", "again"),
		} {
			t.Run(name+", then a message with the "+next, func(t *testing.T) {
				t.Parallel()

				h := newHarness(t, limitedForAnHour)
				h.start()
				h.deliver(http.StatusOK, hidden(ana, "CO.99", "wamid.1", "hello"))
				h.waitSent(1)
				h.deliver(http.StatusOK, inGroup("wamid.2", "hi"))

				sent := h.waitSent(2)[1]
				h.waitIdle()
				h.deliver(http.StatusOK, failed(sent, `"recipient_type":"group","recipient_id":"bWFkZQ",`+participant, 131056))
				h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
				h.deliver(http.StatusOK, delivery)
				h.waitFor("all events wait", h.allWait)

				if n := len(h.Graph.Sent()); n != 2 {
					t.Errorf("%d messages were sent, want the third to wait", n)
				}
			})
		}
	}
}
