// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

func TestStandby(t *testing.T) {
	const (
		text  = `{"id":"m1","from":"573","type":"text","text":{"body":"SECRET"}}`
		other = `{"id":"m2","from":"574","type":"text","text":{"body":"SECRET"}}`
		reply = `{"id":"e1","message":{"to":"573","type":"text","text":{"body":"SECRET"}}}`
	)

	for name, tc := range map[string]struct {
		value string
		lanes []string // that are taken over
	}{
		"a message":                    {`"standby":{"messages":[` + text + `]}`, []string{"42:573"}},
		"an answer":                    {`"standby":{"message_echoes":[` + reply + `]}`, []string{"42:573"}},
		"both":                         {`"standby":{"messages":[` + other + `],"message_echoes":[` + reply + `]}`, []string{"42:574", "42:573"}},
		"an answer to a user id":       {`"standby":{"message_echoes":[{"id":"e1","message":{"recipient":"CO.1","type":"text"}}]}`, []string{"42:CO.1"}},
		"an answer to a parent id":     {`"standby":{"message_echoes":[{"id":"e1","message":{"recipient":"CO.ENT.1"}}]}`, []string{"42:CO.ENT.1"}},
		"an answer to a group":         {`"standby":{"message_echoes":[{"id":"e1","message":{"recipient_type":"group","to":"g"}}]}`, []string{"42:group:g"}},
		"an answer by the contact":     {`"standby":{"contacts":[{"user_id":"CO.1"}],"message_echoes":[{"id":"e1","message":{"type":"text"}}]}`, []string{"42:CO.1"}},
		"in the value itself":          {`"messages":[` + text + `]`, []string{"42:573"}},
		"an answer by an echo":         {`"message_echoes":[{"id":"e1","to":"573"}]`, []string{"42:573"}},
		"of a group":                   {`"standby":{"messages":[{"id":"m1","from":"573","group_id":"g"}]}`, []string{"42:group:g"}},
		"by user id":                   {`"standby":{"messages":[{"id":"m1","from_user_id":"CO.1"}]}`, []string{"42:CO.1"}},
		"by the contact":               {`"standby":{"contacts":[{"user_id":"CO.1"}],"messages":[{"id":"m1"}]}`, []string{"42:CO.1"}},
		"without a person":             {`"standby":{"messages":[{"id":"m1"}]}`, nil},
		"without an id":                {`"standby":{"messages":[{"from":"573"}]}`, nil},
		"one of two with a person":     {`"standby":{"messages":[{"id":"m9"},` + text + `]}`, []string{"42:573"}},
		"statuses":                     {`"standby":{"statuses":[{"id":"m1","status":"read","recipient_id":"573"}]}`, nil},
		"no object":                    {`"standby":"SECRET"`, nil},
		"a message that is not a list": {`"standby":{"messages":` + text + `}`, []string{"42:573"}},
	} {
		t.Run(name, func(t *testing.T) {
			body := changeOf("standby", `{"metadata":{"phone_number_id":"42"},`+tc.value+`}`)

			withSink := settings
			withSink.Notifications.SinkURL = "http://sink"

			events, err := Events(t.Context(), body, withSink, now)
			if err != nil {
				t.Fatal(err)
			}

			var lanes []string

			for _, event := range events {
				if event.Kind == store.KindNotice {
					if strings.Contains(string(event.Payload), "SECRET") {
						t.Errorf("a notice says what people wrote: %s", event.Payload)
					}

					continue
				}

				if event.State == store.Skipped {
					continue
				}

				lanes = append(lanes, event.Lane)

				if event.State != store.Done || event.Takeover.By != store.OtherResponder || event.Takeover.Event != event.ID {
					t.Errorf("event %+v with takeover %+v, want done and the other responder", event, event.Takeover)
				}

				item, err := whatsapp.Decode(event.Payload)
				if err != nil {
					t.Fatal(err)
				}

				if diff := cmp.Diff(event.Takeover, TakeoverOf(event, item, settings)); diff != "" {
					t.Errorf("takeover of the stored event (-want +got):\n%s", diff)
				}
			}

			if diff := cmp.Diff(tc.lanes, lanes); diff != "" {
				t.Errorf("lanes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestContactsOnStandby has contacts beside messages and answers. A contact of one person is not that of another, since the
// conversations of the two would be joined.
func TestContactsOnStandby(t *testing.T) {
	const (
		message  = `"messages":[{"id":"m1","from":"574"}]`
		toUser   = `{"id":"e1","message":{"recipient":"CO.1"}}`
		toNumber = `{"id":"e2","message":{"to":"573"}}`
	)

	for value, want := range map[string][]string{
		`"contacts":[{"wa_id":"573"}],"message_echoes":[` + toUser + `]`:                                              {"42:573 42:CO.1"},
		`"contacts":[{"wa_id":"574"}],` + message + `,"message_echoes":[` + toUser + `]`:                              {"42:574", "42:CO.1"},
		`"contacts":[{"wa_id":"573"}],"message_echoes":[` + toNumber + `,` + toUser + `]`:                             {"42:573", "42:CO.1"},
		`"contacts":[{"wa_id":"574"},{"wa_id":"573","user_id":"CO.1"}],"message_echoes":[` + toNumber + `]`:           {"42:573 42:CO.1"},
		`"contacts":[{"wa_id":"573","user_id":"CO.1"}],` + message + `,"message_echoes":[` + toNumber + `]`:           {"42:574", "42:573 42:CO.1"},
		`"contacts":[{"wa_id":"573"}],"messages":[{"id":"m1","from":"573"},{"id":"m2","from_user_id":"CO.1"}]`:        {"42:573", "42:CO.1"},
		`"contacts":[{"wa_id":"573"}],"message_echoes":[{"id":"e1","message":{}},{"id":"e2","message":{"to":"573"}}]`: {"42:573", "42:573"},
	} {
		events, err := Events(t.Context(), changeOf("standby", `{"metadata":{"phone_number_id":"42"},"standby":{`+value+`}}`), settings, now)
		if err != nil {
			t.Fatal(err)
		}

		var lanes []string

		for _, event := range events {
			if event.Takeover != nil {
				lanes = append(lanes, strings.Join(append([]string{event.Lane}, event.Aliases...), " "))
			}
		}

		if diff := cmp.Diff(want, lanes); diff != "" {
			t.Errorf("lanes of %s (-want +got):\n%s", value, diff)
		}
	}
}

// The takeover begins when the message was written, whenever it arrives. The person's message opens the service window, an
// answer to it does not.
func TestStandbyBeginsWithTheMessage(t *testing.T) {
	sent := now.Add(-time.Hour).Truncate(time.Second)
	body := changeOf("standby", fmt.Sprintf(`{"metadata":{"phone_number_id":"42"},"standby":{"messages":[`+
		`{"id":"m1","from":"573","timestamp":"%d"}],"message_echoes":[{"id":"e1","message":{"to":"573"}}]}}`, sent.Unix()))

	events, err := Events(t.Context(), body, settings, now)
	if err != nil {
		t.Fatal(err)
	}

	if at := events[0].Takeover.At; !at.Equal(sent) {
		t.Errorf("the takeover begins at %s, want %s", at, sent)
	}

	if at, opens := events[0].InboundAt(); !opens || !at.Equal(sent) {
		t.Errorf("the person wrote at %s (%t), want %s", at, opens, sent)
	}

	if _, opens := events[1].InboundAt(); opens {
		t.Error("the answer of the other responder opens the service window")
	}
}

func changeOf(field, value string) []byte {
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":%q,"value":%s}]}]}`, field, value)
}
