// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var settings = config.Config{CloudAPI: config.CloudAPI{PhoneNumberIDs: []string{"42"}}}

// parse returns the events of a delivery with one change.
func parse(t *testing.T, settings config.Config, field, value string) []store.Event {
	t.Helper()

	body := `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"` + field + `","value":` + value + `}]}]}`

	events, err := Events(t.Context(), []byte(body), settings, now)
	if err != nil {
		t.Fatal(err)
	}

	return events
}

// event returns the last event of a delivery about a phone number.
func event(t *testing.T, phoneNumberID, content string) store.Event {
	t.Helper()

	events := parse(t, settings, "messages", `{"metadata":{"phone_number_id":"`+phoneNumberID+`"},`+content+`}`)

	return events[len(events)-1]
}

const textMessage = `"messages":[{"id":"w1","from":"573","type":"text"}]`

func TestMessageEvent(t *testing.T) {
	message := event(t, "42", textMessage)

	want := store.Event{
		ID:            store.NewID(store.KindMessage, "42", "w1"),
		Kind:          store.KindMessage,
		Type:          "text",
		State:         store.Pending,
		Class:         store.Conversations,
		Lane:          "42:573",
		PhoneNumberID: "42",
		Payload:       message.Payload,
		ReceivedAt:    now,
	}
	if diff := cmp.Diff(want, message); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}

	again := event(t, "42", `"contacts":[{"wa_id":"573"}],"messages":[{"type":"text","from":"573","id":"w1","extra":1}]`)
	if again.ID != message.ID {
		t.Error("the same message in another spelling is another event")
	}

	for name, other := range map[string]store.Event{
		"another id":     event(t, "42", `"messages":[{"id":"w2","from":"573","type":"text"}]`),
		"another number": event(t, "43", textMessage),
		"no id":          event(t, "42", `"messages":[{"from":"573","type":"text"}]`),
		"a status":       event(t, "42", `"statuses":[{"id":"w1","status":"sent"}]`),
	} {
		if other.ID == message.ID {
			t.Errorf("%s is the same event", name)
		}
	}

	long := event(t, "42", `"messages":[{"id":"w","type":"`+strings.Repeat("é", 100)+`"}]`)
	if len(long.Type) > maxType {
		t.Errorf("type has %d bytes, want at most %d", len(long.Type), maxType)
	}
}

func TestStatusEvent(t *testing.T) {
	reply := store.NewID(store.KindMessage, "42", "w1")
	callback := reply.String() + ":2:1"
	status := event(t, "42", `"statuses":[{"id":"out","status":"delivered","timestamp":"1750000000","biz_opaque_callback_data":"`+callback+`"}]`)

	want := &store.StatusUpdate{
		PhoneNumberID: "42",
		MessageID:     "out",
		Status:        "delivered",
		Rank:          3,
		At:            time.Unix(1750000000, 0).UTC(),
		ReplyTo:       reply,
		ReplyPart:     2,
		ReplyResend:   1,
	}
	if diff := cmp.Diff(want, status.Status); diff != "" || status.State != store.Pending || status.Class != store.Statuses {
		t.Errorf("status in state %s, class %s (-want +got):\n%s", status.State, status.Class, diff)
	}

	one := event(t, "42", `"statuses":[{"id":"out","status":"read","recipient_participant_id":"1"}]`)
	two := event(t, "42", `"statuses":[{"id":"out","status":"read","recipient_participant_id":"2"}]`)

	if one.ID == two.ID {
		t.Error("the statuses of two participants are the same event")
	}

	failed := event(t, "42", `"statuses":[{"id":"out","status":"failed","recipient_id":"573"}]`)
	if failed.Lane != "42:573" || status.Lane == "42:573" {
		t.Errorf("a failure is in lane %q and a delivery in %q, want only the failure in the conversation's", failed.Lane, status.Lane)
	}

	hidden := event(t, "42", `"statuses":[{"id":"out","status":"failed"}]`)
	if hidden.Lane == status.Lane {
		t.Errorf("a failure without a recipient is in lane %q, which waits for Bird", hidden.Lane)
	}

	withoutMethod := settings
	withoutMethod.Bird.Endpoints = map[string]config.Endpoint{config.NotifyStatus: {Enabled: new(false)}}

	for name, want := range map[string]store.State{"read": store.Done, "failed": store.Pending} {
		value := `{"metadata":{"phone_number_id":"42"},"statuses":[{"id":"out","status":"` + name + `"}]}`
		if got := parse(t, withoutMethod, "messages", value)[0].State; got != want {
			t.Errorf("without the method, status %s is %s, want %s", name, got, want)
		}
	}
}

// A status without a value or a message is kept, and not reported to the AI.
func TestStatusThatSaysNothing(t *testing.T) {
	for _, status := range []string{`{"id":"w1"}`, `{"id":"w1","status":null}`, `{"id":"w1","status":["read"]}`, `{"status":"read"}`, `7`} {
		if got := event(t, "42", `"statuses":[`+status+`]`); got.Kind != store.KindUnknown || got.State != store.Skipped || got.Status != nil {
			t.Errorf("%s = %+v, want it stored as unknown", status, got)
		}
	}
}

func TestErrorEvent(t *testing.T) {
	got := event(t, "42", `"errors":[{"code":130429}]`)
	if got.Kind != store.KindError || got.State != store.Pending || got.Class != store.Statuses {
		t.Errorf("error = %+v", got)
	}

	for _, odd := range []string{`null`, `7`, `"130429"`, `[{"code":130429}]`} {
		if got := event(t, "42", `"errors":[`+odd+`]`); got.Kind != store.KindUnknown || got.State != store.Skipped {
			t.Errorf("error %s = %+v, want it kept as unknown", odd, got)
		}
	}
}

func TestQuarantine(t *testing.T) {
	if got := event(t, "43", textMessage); got.State != store.Quarantined || got.Lane != "43:573" || got.Class != store.Conversations {
		t.Errorf("message of a foreign number = %+v, want it quarantined in its lane", got)
	}

	if got := event(t, "43", `"statuses":[{"id":"w1","status":"sent"}]`); got.State != store.Quarantined || got.Status != nil {
		t.Errorf("status of a foreign number = %+v, want it quarantined and not applied", got)
	}

	echoes := parse(t, settings, "smb_message_echoes", `{"metadata":{"phone_number_id":"43"},"message_echoes":[{"id":"e1","to":"573"}]}`)
	if got := echoes[0]; got.State != store.Quarantined || got.Lane != "43:573" || got.Takeover != nil {
		t.Errorf("echo of a foreign number = %+v, want it quarantined in its lane, and no takeover", got)
	}

	if got := echoes[1]; got.State != store.Skipped {
		t.Errorf("field of a foreign number is %s, want skipped: there is nothing to replay", got.State)
	}
}

// What Meta sends without an id or a time is the same event within an hour, and a new one later.
func TestEventsWithoutIdentity(t *testing.T) {
	const metadata = `"metadata":{"phone_number_id":"42"},`

	for name, tc := range map[string]struct {
		entry, field, value string
		isNew               bool // an hour later
	}{
		"error": {
			field: "messages",
			value: `{` + metadata + `"errors":[{"code":130429}]}`,
			isNew: true,
		},
		"error in an entry with a time": {
			entry: `"time":1750000000,`,
			field: "messages",
			value: `{` + metadata + `"errors":[{"code":130429}]}`,
		},
		"message with an id":      {field: "messages", value: `{` + metadata + `"messages":[{"id":"w","from":"573"}]}`},
		"message with a time":     {field: "messages", value: `{` + metadata + `"messages":[{"from":"573","timestamp":"1750000000"}]}`},
		"message with neither":    {field: "messages", value: `{` + metadata + `"messages":[{"from":"573"}]}`, isNew: true},
		"status with an id":       {field: "messages", value: `{` + metadata + `"statuses":[{"id":"w","status":"sent"}]}`},
		"status without one":      {field: "messages", value: `{` + metadata + `"statuses":[{"status":"sent"}]}`, isNew: true},
		"field with a time":       {field: "calls", value: `{` + metadata + `"calls":[{"timestamp":"1750000000"}]}`},
		"field without one":       {field: "account_review_update", value: `{"decision":"APPROVED"}`, isNew: true},
		"field in a timed entry":  {entry: `"time":"1750000000",`, field: "account_review_update", value: `{"decision":"APPROVED"}`},
		"value without structure": {field: "messages", value: `"text"`, isNew: true},
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"7",` + tc.entry + `"changes":[{"field":"` +
				tc.field + `","value":` + tc.value + `}]}]}`)
			id := func(at time.Time) store.ID {
				events, err := Events(t.Context(), body, settings, at)
				if err != nil {
					t.Fatal(err)
				}

				return events[0].ID
			}

			first := id(now)
			if id(now.Add(59*time.Minute)) != first {
				t.Error("the same within the hour is another event")
			}

			if isNew := id(now.Add(time.Hour)) != first; isNew != tc.isNew {
				t.Errorf("an hour later it is new: %t, want %t", isNew, tc.isNew)
			}
		})
	}
}

// TestProbe checks that a delivery that checks the way has no events, and that one of Meta's always has.
func TestProbe(t *testing.T) {
	for body, want := range map[string]int{
		`{"object":"whatsapp_webhook_probe","entry":[]}`:                                                             0,
		`{"object":"whatsapp_webhook_probe","entry":[   ]}`:                                                          0,
		`{"object":"whatsapp_business_account","entry":[]}`:                                                          1,
		`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"whatsapp_webhook_probe"}]}]}`: 1,
	} {
		events, err := Events(t.Context(), []byte(body), config.Config{}, now)
		if err != nil || len(events) != want {
			t.Errorf("Events(%s) returned %d events, %v; want %d", body, len(events), err, want)
		}
	}
}

func TestNotJSON(t *testing.T) {
	if _, err := Events(t.Context(), []byte("{"), settings, now); !errors.Is(err, ErrNotJSON) {
		t.Errorf("Events() error = %v, want ErrNotJSON", err)
	}
}

// The service window counts from when a person wrote, so the time at the source is part of the event.
func TestSentAt(t *testing.T) {
	at := func(age time.Duration) string { return strconv.FormatInt(now.Add(-age).Unix(), 10) }

	for name, tc := range map[string]struct {
		timestamp string
		want      time.Time
	}{
		"an hour ago":         {at(time.Hour), now.Add(-time.Hour)},
		"seven days ago":      {at(7 * 24 * time.Hour), now.Add(-7 * 24 * time.Hour)},
		"a year ago":          {at(365 * 24 * time.Hour), time.Time{}},
		"now":                 {at(0), time.Time{}},
		"in the future":       {at(-time.Hour), time.Time{}},
		"before there was it": {"0", time.Time{}},
		"negative":            {"-1", time.Time{}},
		"a placeholder":       {"TIMESTAMP", time.Time{}},
	} {
		got := event(t, "42", `"messages":[{"id":"w1","from":"573","type":"text","timestamp":"`+tc.timestamp+`"}]`)
		if !got.SentAt.Equal(tc.want) {
			t.Errorf("%s: sent at %v, want %v", name, got.SentAt, tc.want)
		}
	}
}
