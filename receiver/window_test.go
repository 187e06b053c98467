// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func withTemplate(c *config.Config) {
	withoutTyping(c)
	c.Processing.FallbackTemplate = config.FallbackTemplate{Name: "come_back", Language: "es"}
}

// TestLateMessage delivers a message that was sent a while ago. The service window counts from then: after it the template
// is sent without another try. Bird knows the age.
func TestLateMessage(t *testing.T) {
	const hour, day = time.Hour, 24 * time.Hour

	at := func(age time.Duration) string { return fmt.Sprint(time.Now().Add(-age).Unix()) }

	for name, tc := range map[string]struct {
		timestamp string
		sent      string        // type
		age       time.Duration // that Bird gets
	}{
		"just now":                   {timestamp: at(0), sent: "text"},
		"within the window":          {timestamp: at(23 * hour), sent: "text", age: 23 * hour},
		"after the window":           {timestamp: at(25 * hour), sent: "template", age: 25 * hour},
		"three days ago":             {timestamp: at(3 * day), sent: "template", age: 3 * day},
		"in the future":              {timestamp: at(-3 * day), sent: "text"},
		"longer ago than Meta tries": {timestamp: at(100 * day), sent: "text"},
		"in milliseconds":            {timestamp: at(3*day) + "000", sent: "text"},
		"a placeholder":              {timestamp: "WEBHOOK_TRIGGER_TIMESTAMP", sent: "text"},
		"none":                       {sent: "text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withTemplate)
			h.start()
			h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(
				`"messages":[{"from":%q,"id":"wamid.1","timestamp":%q,"type":"text","text":{"body":"are you open?"}}]`, ana, tc.timestamp)))

			if got := h.waitSent(1)[0]; got.Type != tc.sent {
				t.Errorf("sent %s, want a %s", got.Type, tc.sent)
			}

			age, _ := h.birdRequests()[0].Payload["age_seconds"].(float64)
			if got := time.Duration(age) * time.Second; got < tc.age || got > tc.age+10*time.Minute {
				t.Errorf("age_seconds says %v, want %v", got, tc.age)
			}
		})
	}
}

// TestLateMessageWithoutATemplate checks that a message of three days ago becomes a dead letter without a free-form send, and
// opens no window for the messages after it. Its replay sends the template that is configured since.
func TestLateMessageWithoutATemplate(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, standin.TextDelivery(number, ana, "Ana", "wamid.1", "hello", time.Now().Add(-72*time.Hour)))
	h.waitIdle()
	h.waitSent(0)

	if got := h.record("wamid.1").Event.State; got != store.Dead {
		t.Errorf("the message is %s, want a dead letter", got)
	}

	h.waitFor("the notice", func() bool { return len(h.sink.notices("template.required")) == 1 })

	h.reconfigure(withTemplate)
	h.replay("wamid.1")
	h.waitFor("the message is processed", func() bool { return h.record("wamid.1").Event.State == store.Done })
	h.waitIdle()

	if got := h.waitSent(1)[0]; got.Type != "template" {
		t.Errorf("sent %s after the replay, want a template", got.Type)
	}
}

// TestCallOpensTheWindow delivers a message of three days ago after a call. Free-form messages may be sent for 24 hours
// after a person calls.
func TestCallOpensTheWindow(t *testing.T) {
	const started = `"event":"connect","direction":"USER_INITIATED","timestamp":"%d"`

	now := time.Now()

	for name, tc := range map[string]struct {
		calls string // with a place for the time of the call
		at    time.Time
		sent  string // type
	}{
		"call of the person":        {`"calls":[{"from":"573001234567","id":"wacid.1",` + started + `}]`, now, "text"},
		"call by user id":           {`"calls":[{"from_user_id":"CO.99","id":"wacid.1",` + started + `}]`, now, "text"},
		"caller in the contact":     {`"contacts":[{"user_id":"CO.99"}],"calls":[{"id":"wacid.1",` + started + `}]`, now, "text"},
		"without a direction":       {`"calls":[{"from":"573001234567","id":"wacid.1","event":"connect","session":{"sdp_type":"offer"},"timestamp":"%d"}]`, now, "text"},
		"only the end of a call":    {`"calls":[{"from":"573001234567","id":"wacid.1","event":"terminate","direction":"USER_INITIATED","start_time":"%d"}]`, now, "text"},
		"one of several calls":      {`"calls":[{"from":"573007654321","id":"wacid.0","event":"connect","direction":"USER_INITIATED"},{"from":"573001234567","id":"wacid.1",` + started + `}]`, now, "text"},
		"call of two days ago":      {`"calls":[{"from":"573001234567","id":"wacid.1",` + started + `}]`, now.Add(-48 * time.Hour), "template"},
		"call of another person":    {`"calls":[{"from":"573007654321","id":"wacid.1",` + started + `}]`, now, "template"},
		"call by the business":      {`"calls":[{"from":"573001234567","id":"wacid.1","event":"connect","direction":"BUSINESS_INITIATED","timestamp":"%d"}]`, now, "template"},
		"recording of an old call":  {`"calls":[{"from":"573001234567","id":"wacid.1","event":"call_recording_available","direction":"USER_INITIATED","timestamp":"%d"}]`, now, "template"},
		"end of an accepted call":   {`"calls":[{"to":"573001234567","id":"wacid.1","event":"terminate","direction":"BUSINESS_INITIATED","start_time":"%d"}]`, now, "text"},
		"end of a missed call":      {`"calls":[{"to":"573001234567","id":"wacid.1","event":"terminate","direction":"BUSINESS_INITIATED","timestamp":"%d"}]`, now, "template"},
		"accepted call":             {`"statuses":[{"id":"wacid.1","type":"call","status":"ACCEPTED","recipient_id":"573001234567","timestamp":"%d"}]`, now, "text"},
		"call accepted by user id":  {`"statuses":[{"id":"wacid.1","type":"call","status":"ACCEPTED","recipient_user_id":"CO.99","timestamp":"%d"}]`, now, "text"},
		"ringing call":              {`"statuses":[{"id":"wacid.1","type":"call","status":"RINGING","recipient_id":"573001234567","timestamp":"%d"}]`, now, "template"},
		"rejected call":             {`"statuses":[{"id":"wacid.1","type":"call","status":"REJECTED","recipient_id":"573001234567","timestamp":"%d"}]`, now, "template"},
		"calls of an unknown shape": {`"calls":{"from":["573001234567"],"timestamp":"%d"}`, now, "template"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withTemplate)
			h.start()
			h.deliver(http.StatusOK, fieldDelivery("calls", fmt.Sprintf(tc.calls, tc.at.Unix())))
			h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(
				`"messages":[{"from":%q,"from_user_id":"CO.99","id":"wamid.1","timestamp":"%d","type":"text","text":{"body":"hello"}}]`,
				ana, now.Add(-72*time.Hour).Unix())))

			if got := h.waitSent(1)[0]; got.Type != tc.sent {
				t.Errorf("sent %s, want a %s", got.Type, tc.sent)
			}

			h.waitFor("the call is announced", func() bool { return len(h.sink.notices("account.calls")) > 0 })
		})
	}
}

// TestReadReceiptsInGroups checks that each message of a group is marked as read, without the typing indicator.
func TestReadReceiptsInGroups(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { c.Processing.Debounce = 300 * time.Millisecond })
	h.start()

	text := `{"from":"573001234567",%s"id":%q,"type":"text","text":{"body":"hi"}}`
	h.deliver(http.StatusOK, messagesDelivery(`"messages":[`+
		fmt.Sprintf(text, `"group_id":"g",`, "wamid.1")+`,`+fmt.Sprintf(text, `"group_id":"g",`, "wamid.2")+`]`))
	h.waitIdle()
	h.deliver(http.StatusOK, messagesDelivery(`"messages":[`+fmt.Sprintf(text, "", "wamid.3")+`]`))
	h.waitIdle()

	var got []string
	for _, call := range h.Graph.Recorder.Calls(readReceipts) {
		got = append(got, string(call.Body))
	}

	want := []string{
		`{"message_id":"wamid.1","messaging_product":"whatsapp","status":"read"}`,
		`{"message_id":"wamid.2","messaging_product":"whatsapp","status":"read"}`,
		`{"message_id":"wamid.3","messaging_product":"whatsapp","status":"read","typing_indicator":{"type":"text"}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read receipts (-want +got):\n%s", diff)
	}
}
