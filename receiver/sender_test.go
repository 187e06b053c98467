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

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// fieldDelivery returns a delivery with one change of a field, whose value has these properties beside its metadata.
func fieldDelivery(field, properties string) []byte {
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":%q,"value":{
		"metadata":{"phone_number_id":%q},%s}}]}]}`, field, number, properties)
}

// messagesDelivery returns a delivery of the field messages with these properties.
func messagesDelivery(properties string) []byte { return fieldDelivery("messages", properties) }

// TestSenderByAnyName delivers a text from ana by one set of names after another. Every answer reaches her.
func TestSenderByAnyName(t *testing.T) {
	for name, tc := range map[string]struct {
		contact, message string // the names in the contact and in the message
		to, recipient    string // of the answer
		key              string // of the conversation
	}{
		"number":                    {message: `"from":"573001234567",`, to: "+573001234567", key: ana},
		"number and user id":        {message: `"from":"573001234567","from_user_id":"CO.99",`, to: "+573001234567", key: "CO.99"},
		"user id":                   {message: `"from_user_id":"CO.99",`, recipient: "CO.99", key: "CO.99"},
		"parent user id":            {message: `"from_parent_user_id":"CO.ENT.99",`, recipient: "CO.ENT.99", key: "CO.ENT.99"},
		"user id in from":           {message: `"from":"CO.99",`, recipient: "CO.99", key: "CO.99"},
		"contact with user id":      {contact: `"user_id":"CO.99"`, recipient: "CO.99", key: "CO.99"},
		"contact with number":       {contact: `"wa_id":"573001234567"`, to: "+573001234567", key: ana},
		"contact with parent id":    {contact: `"parent_user_id":"CO.ENT.99"`, recipient: "CO.ENT.99", key: "CO.ENT.99"},
		"contact beside the number": {contact: `"user_id":"CO.99"`, message: `"from":"573001234567",`, to: "+573001234567", key: "CO.99"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withoutTyping)
			h.start()
			h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(
				`"contacts":[{%s}],"messages":[{%s"id":"wamid.1","type":"text","text":{"body":"hello"}}]`, tc.contact, tc.message)))

			sent := h.waitSent(1)[0]
			if sent.To != tc.to || sent.Recipient != tc.recipient {
				t.Errorf("sent to %q, recipient %q; want %q, %q", sent.To, sent.Recipient, tc.to, tc.recipient)
			}

			if key := h.birdRequests()[0].Payload["conversation_key"]; key != number+":"+tc.key {
				t.Errorf("conversation_key = %v, want %s", key, number+":"+tc.key)
			}
		})
	}
}

// TestOnePersonByManyNames delivers texts that name ana in different ways, an echo to her and a handover. All are one
// conversation: the colleague's message silences the AI under every name.
func TestOnePersonByManyNames(t *testing.T) {
	texts := map[string]string{
		"all":     `"messages":[{"from":"573001234567","from_user_id":"CO.99","from_parent_user_id":"CO.ENT.99","id":"wamid.%d","type":"text","text":{"body":"hi"}}]`,
		"number":  `"messages":[{"from":"+573001234567","id":"wamid.%d","type":"text","text":{"body":"hi"}}]`,
		"user id": `"messages":[{"from":"CO.99","id":"wamid.%d","type":"text","text":{"body":"hi"}}]`,
		"parent":  `"messages":[{"from_parent_user_id":"CO.ENT.99","id":"wamid.%d","type":"text","text":{"body":"hi"}}]`,
		"contact": `"contacts":[{"user_id":"CO.99"}],"messages":[{"id":"wamid.%d","type":"text","text":{"body":"hi"}}]`,
	}
	taken := map[string][]byte{
		"echo by parent user id": fieldDelivery("smb_message_echoes", `"message_echoes":[{"id":"wamid.echo","to_parent_user_id":"CO.ENT.99","type":"text"}]`),
		"echo by its contact":    fieldDelivery("smb_message_echoes", `"contacts":[{"user_id":"CO.99"}],"message_echoes":[{"id":"wamid.echo","type":"text"}]`),
		"handover by user id": fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messaging_handovers",
			"value":{"sender":{"user_id":"CO.99"},"recipient":{"phone_number_id":%q},"type":"control_taken","control_taken":{}}}]}]}`, number),
	}

	for name, delivery := range taken {
		for _, isLast := range []bool{false, true} { // the text with all names
			t.Run(fmt.Sprintf("%s, all names last %t", name, isLast), func(t *testing.T) {
				t.Parallel()

				h := newHarness(t, withoutTyping)
				h.start()

				order := []string{"all", "number", "user id", "parent", "contact"}
				if isLast {
					slices.Reverse(order)
				}

				if isLast { // the names of the colleague's message are joined to the others later
					h.deliver(http.StatusOK, delivery)
					h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(texts["all"], 100)))
				} else {
					h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(texts["all"], 100)))
					h.waitSent(1)
					h.deliver(http.StatusOK, delivery)
				}

				for i, kind := range order {
					h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(texts[kind], i)))
				}

				h.waitIdle()

				for i, kind := range order {
					if state := h.record(fmt.Sprintf("wamid.%d", i)).Event.State; state != store.Human {
						t.Errorf("the text by %s is %s, want human", kind, state)
					}
				}
			})
		}
	}
}

// TestNobodyToAnswer checks that a message which cannot be answered is kept with the reason, before Bird is asked.
func TestNobodyToAnswer(t *testing.T) {
	text := `"messages":[{%s"id":"wamid.1","type":"text","text":{"body":"hello"}}]`

	for name, tc := range map[string]struct {
		delivery []byte
		number   string
		want     string
	}{
		"no sender": {
			delivery: messagesDelivery(fmt.Sprintf(text, "")),
			number:   number,
			want:     "no_sender",
		},
		"several contacts": {
			delivery: messagesDelivery(`"contacts":[{"wa_id":"573"},{"wa_id":"574"}],` + fmt.Sprintf(text, "")),
			number:   number,
			want:     "no_sender",
		},
		"no phone number id": {
			delivery: fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages","value":{`+
				text+`}}]}]}`, `"from":"573001234567",`),
			want: "no_number",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withoutTyping)
			h.start()
			h.deliver(http.StatusOK, tc.delivery)
			h.waitIdle()

			id := store.NewID(store.KindMessage, tc.number, "wamid.1")

			record, err := h.Local.Store().Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}

			if record.Event.State != store.Skipped || len(record.Failures) != 1 || record.Failures[0].Code != tc.want {
				t.Errorf("the message is %s with failures %+v, want it skipped because of %s", record.Event.State, record.Failures, tc.want)
			}

			if asked := h.birdRequests(); len(asked) > 0 {
				t.Errorf("asked %v, want no request", asked)
			}

			h.waitFor("the notice", func() bool { return len(h.sink.notices("message.received")) == 1 })

			if dead := h.sink.notices("message.dead"); len(dead) > 0 {
				t.Errorf("notices of dead letters: %v, want none", dead)
			}

			if n := h.status().Metrics.ErrorCounts[tc.want]; n != 1 {
				t.Errorf("/status counts %d errors %s, want 1", n, tc.want)
			}

			var shown struct{ Failures []store.Failure }
			if h.console(http.StatusOK, "GET", "/dead-letters/"+id.String(), &shown); len(shown.Failures) != 1 {
				t.Errorf("the console shows the reasons %v, want one", shown.Failures)
			}
		})
	}
}

// TestGroupIsAConversationOfItsOwn checks that a person's private messages and those in a group share no key, and that Bird
// learns who wrote in which group.
func TestGroupIsAConversationOfItsOwn(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	const names = `"contacts":[{"profile":{"name":"Ana"},"wa_id":"573001234567","user_id":"CO.99"}],
		"messages":[{"from":"573001234567","from_user_id":"CO.99",%s"id":%q,"type":"text","text":{"body":"and today?"}}]`

	h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(names, "", "wamid.private")))
	h.waitSent(1)
	h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(names, `"group_id":"bWFkZQ",`, "wamid.group")))
	h.waitSent(2)

	asked := h.birdRequests()
	want := []map[string]any{
		{"conversation_key": number + ":CO.99", "group_id": nil, "from": ana},
		{"conversation_key": number + ":group:bWFkZQ", "group_id": "bWFkZQ", "from": ana},
	}

	for i, request := range asked {
		got := map[string]any{}
		for key := range want[i] {
			got[key] = request.Payload[key]
		}

		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("request %d (-want +got):\n%s", i, diff)
		}

		if contact, _ := request.Payload["contact_info"].(map[string]any); contact["name"] != "Ana" || contact["user_id"] != "CO.99" {
			t.Errorf("contact_info of request %d = %v, want the participant's", i, contact)
		}
	}
}

// TestTextsOfAGroupAreJoinedByParticipant checks that a debounced request has the texts of one participant only.
func TestTextsOfAGroupAreJoinedByParticipant(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.Debounce = 300 * time.Millisecond
	})
	h.start()

	var messages []string
	for i, from := range []string{ana, ana, luis} {
		messages = append(messages, fmt.Sprintf(`{"from":%q,"group_id":"g","id":"wamid.%d","type":"text","text":{"body":"text %d"}}`, from, i, i))
	}

	h.deliver(http.StatusOK, messagesDelivery(`"messages":[`+strings.Join(messages, ",")+`]`))
	h.waitIdle()

	got := map[string]any{}
	for _, request := range h.birdRequests() {
		got[request.Payload["from"].(string)] = request.Payload["text"]
	}

	if diff := cmp.Diff(map[string]any{ana: "text 0\ntext 1", luis: "text 2"}, got); diff != "" {
		t.Errorf("texts by participant (-want +got):\n%s", diff)
	}
}

// TestMessageWithoutType checks that the content of a message stands for a missing type.
func TestMessageWithoutType(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, messagesDelivery(`"messages":[{"from":"573001234567","id":"wamid.1","location":{"latitude":4.6,"longitude":-74.08}}]`))
	h.waitSent(1)

	if asked := h.birdRequests()[0]; asked.Method != "process_location_message" {
		t.Errorf("asked %s, want the method for locations", asked.Method)
	}

	if got := h.record("wamid.1").Event.Type; got != "location" {
		t.Errorf("the event has type %q, want location", got)
	}
}
