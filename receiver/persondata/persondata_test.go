// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package persondata

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store/sqlite"
)

const (
	number = "106540352242922"
	ana    = "573001234567"
	luis   = "573007654321"
	group  = "Z3J1cG8tMQ"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// fixture is a store with deliveries.
type fixture struct {
	*testing.T
	store store.Store
	clock *clockwork.FakeClock
}

func newFixture(t *testing.T) *fixture {
	inbox, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "inbox.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = inbox.Close() })

	return &fixture{
		T:     t,
		store: inbox,
		clock: clockwork.NewFakeClockAt(now),
	}
}

// deliver stores the events of a change of the field messages.
func (f *fixture) deliver(field, value string) {
	f.Helper()

	body := fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":%q,"value":{
		"messaging_product":"whatsapp","metadata":{"display_phone_number":"+1 555-078-3881","phone_number_id":%q},%s}}]}]}`, field, number, value)

	events, err := intake.Events(f.Context(), []byte(body), config.Config{}.WithDefaults(), now)
	if err != nil {
		f.Fatal(err)
	}

	f.ingest(events...)
}

func (f *fixture) ingest(events ...store.Event) {
	f.Helper()

	if _, err := f.store.Ingest(f.Context(), events); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) find(name string) *Person {
	f.Helper()

	person, err := Find(f.Context(), f.store, name, f.clock)
	if err != nil {
		f.Fatal(err)
	}

	return person
}

// contents returns the payloads that hold a text, as far as they are left.
func (f *fixture) contents(text string) int {
	f.Helper()

	all, err := f.store.List(f.Context(), store.Filter{}, 0, 1000)
	if err != nil {
		f.Fatal(err)
	}

	n := 0

	for _, record := range all {
		if strings.Contains(string(record.Event.Payload), text) {
			n++
		}
	}

	return n
}

func (f *fixture) erase(name string) int {
	f.Helper()

	n, err := f.find(name).Erase(f.Context())
	if err != nil {
		f.Fatal(err)
	}

	return n
}

// toDesk stores the request to the desk about a message that a person wrote in the group.
func (f *fixture) toDesk(person, text string) {
	f.Helper()

	event, err := handoff.Message{
		Method: handoff.HumanMessage,
		Common: assistant.Common{
			EventID:         store.NewID(store.KindMessage, number, "wamid.desk", person).String(),
			PhoneNumberID:   number,
			From:            &person,
			ContactInfo:     assistant.Contact{WaID: &person},
			GroupID:         group,
			ConversationKey: number + ":group:" + group,
		},
		Type: "text",
		Text: text,
	}.Event(number+":group:"+group, "0", now)
	if err != nil {
		f.Fatal(err)
	}

	f.ingest(event)
}

// deliverGroup delivers what two persons and others do in a group and outside of it. People have the group's conversation.
func (f *fixture) deliverGroup() {
	f.Helper()
	f.deliver("messages", fmt.Sprintf(`"messages":[
		{"id":"wamid.a","from":%[1]q,"group_id":%[3]q,"timestamp":"1795430400","type":"text","text":{"body":"ANA-IN-GROUP"}},
		{"id":"wamid.b","from":%[2]q,"group_id":%[3]q,"timestamp":"1795430400","type":"text","text":{"body":"LUIS-IN-GROUP"}},
		{"id":"wamid.c","from":%[1]q,"timestamp":"1795430400","type":"text","text":{"body":"ANA-ALONE"}},
		{"id":"wamid.d","from":%[2]q,"timestamp":"1795430400","type":"contacts","contacts":[{"phones":[{"phone":%[1]q,"wa_id":%[1]q}]}]}]`,
		ana, luis, group))
	f.deliver("messages", fmt.Sprintf(`"statuses":[
		{"id":"wamid.s","status":"read","timestamp":"1795430400","recipient_id":%[3]q,"recipient_type":"group","recipient_participant_id":%[1]q},
		{"id":"wamid.s","status":"read","timestamp":"1795430400","recipient_id":%[3]q,"recipient_type":"group","recipient_participant_id":%[2]q},
		{"id":"wamid.t","status":"delivered","timestamp":"1795430400","recipient_id":%[1]q}]`, ana, luis, group))
	f.toDesk(ana, "ANA-IN-GROUP")
	f.toDesk(luis, "LUIS-IN-GROUP")
}

func TestErasePersonWithinAGroup(t *testing.T) {
	f := newFixture(t)
	f.deliverGroup()

	if n := f.erase(number + ":" + ana); n != 5 {
		t.Errorf("%d events were erased, want both messages, the statuses in the group and outside, and the request to the desk", n)
	}

	for text, want := range map[string]int{
		"ANA-IN-GROUP":  0,
		"ANA-ALONE":     0,
		"LUIS-IN-GROUP": 2,
		ana:             1, // on the contact card that another person sent
		luis:            4,
	} {
		if got := f.contents(text); got != want {
			t.Errorf("%d events hold %s, want %d", got, text, want)
		}
	}

	for participant, want := range map[string]error{
		ana:  store.ErrNotFound,
		luis: nil,
	} {
		if _, err := f.store.MessageStatus(t.Context(), number, "wamid.s", participant); !errors.Is(err, want) {
			t.Errorf("the status of %s: %v, want %v", participant, err, want)
		}
	}
}

func TestEraseGroup(t *testing.T) {
	f := newFixture(t)
	f.deliverGroup()

	if n := f.erase(number + ":group:" + group); n != 6 {
		t.Errorf("%d events were erased, want both messages, both statuses and both requests to the desk", n)
	}

	for text, want := range map[string]int{
		"-IN-GROUP": 0,
		group:       0,
		"ANA-ALONE": 1,
		luis:        1,
	} {
		if got := f.contents(text); got != want {
			t.Errorf("%d events hold %s, want %d", got, text, want)
		}
	}
}

// TestErasePurgedStatuses checks that a status is found whose payload was purged: the id of a message and the participant of a
// group name the person too.
func TestErasePurgedStatuses(t *testing.T) {
	const wamid = "wamid.HBgMNTczMDAxMjM0NTY3FQIAERgS"

	f := newFixture(t)
	f.deliverGroup()
	f.deliver("messages", fmt.Sprintf(`"statuses":[{"id":%q,"status":"read","timestamp":"1795430400","recipient_id":%q}]`, wamid, ana))

	if _, err := f.store.Purge(t.Context(), store.Expiry{Payloads: now.Add(time.Hour), Events: now.Add(-time.Hour)}, 100); err != nil {
		t.Fatal(err)
	}

	f.erase(number + ":" + ana)

	for message, participant := range map[string]string{
		wamid:     "",
		"wamid.s": ana,
	} {
		if _, err := f.store.MessageStatus(t.Context(), number, message, participant); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the status of %s is left: %v", message, err)
		}
	}
}

// TestEraseReasons checks that the reasons of handoffs and takeovers are erased, which are in someone's own words, and those
// of other conversations are not.
func TestEraseReasons(t *testing.T) {
	f := newFixture(t)
	f.deliverGroup()

	reason := func(kind, subject, lane string) store.Event {
		n := notice.Notice{
			Type:    kind,
			Source:  notice.Number(number),
			Subject: subject,
			Time:    now,
			Data:    []byte(`{"reason":"REASON of ` + lane + `"}`),
		}

		event := n.Event(notice.HandoffOccurrence(now))
		if kind == notice.TakenOver {
			event.ID = notice.ReasonID(lane, now)
		}

		event.State = store.Skipped

		return event
	}
	message := func(id string) string { return store.NewID(store.KindMessage, number, id).String() }

	f.ingest(
		reason(notice.HandedOff, message("wamid.c"), ana),
		reason(notice.TakenOver, "", number+":"+ana),
		reason(notice.HandedOff, message("wamid.d"), luis),
		reason(notice.TakenOver, "", number+":"+luis),
		reason(notice.HandedOff, message("wamid.a"), ana), // in the group
		reason(notice.HandedOff, message("wamid.b"), luis),
	)
	f.erase(number + ":" + ana)

	if of, other := f.contents("REASON of "+ana)+f.contents("REASON of "+number+":"+ana), f.contents("REASON of"); of != 0 || other != 3 {
		t.Errorf("%d reasons of the person and %d of all are left, want the 3 of another", of, other)
	}
}

// TestEraseFields checks that changes of other fields are found in which a person is named.
func TestEraseFields(t *testing.T) {
	f := newFixture(t)
	f.deliver("user_preferences", fmt.Sprintf(`"user_preferences":[{"wa_id":%q,"detail":"ANA-STOPS"}]`, ana))
	f.deliver("user_preferences", fmt.Sprintf(`"user_preferences":[{"wa_id":%q,"detail":"LUIS-STOPS"}]`, luis))
	f.deliver("user_preferences", fmt.Sprintf(`"user_preferences":[{"wa_id":"9%s9","detail":"LONGER-NUMBER"}]`, ana))

	f.erase(number + ":" + ana)

	got := []int{f.contents("ANA-STOPS"), f.contents("LUIS-STOPS"), f.contents("LONGER-NUMBER")}
	if diff := cmp.Diff([]int{0, 1, 1}, got); diff != "" {
		t.Errorf("what is left of each (-want +got):\n%s", diff)
	}
}

func TestJoinedNamesAreOnePerson(t *testing.T) {
	f := newFixture(t)
	f.deliver("messages", fmt.Sprintf(`"contacts":[{"wa_id":%[1]q,"user_id":"CO.99"}],
		"messages":[{"id":"wamid.a","from":%[1]q,"from_user_id":"CO.99","timestamp":"1795430400","type":"text","text":{"body":"BY-NUMBER"}}]`, ana))
	f.deliver("messages", `"contacts":[{"user_id":"CO.99"}],
		"messages":[{"id":"wamid.b","from_user_id":"CO.99","timestamp":"1795430400","type":"text","text":{"body":"BY-ID"}}]`)

	var names []string

	for _, name := range []string{number + ":" + ana, number + ":CO.99"} {
		names = f.find(name).Names
		slices.Sort(names)

		if diff := cmp.Diff([]string{number + ":" + ana, number + ":CO.99"}, names); diff != "" {
			t.Errorf("names of %s (-want +got):\n%s", name, diff)
		}
	}

	f.erase(number + ":CO.99")

	if n := f.contents("BY-"); n != 0 {
		t.Errorf("%d messages are left, want none", n)
	}
}

// TestEraseWaitsForAMessageInProgress checks that an erasure gives up after a while, and goes on if the work ends in time.
func TestEraseWaitsForAMessageInProgress(t *testing.T) {
	for name, ends := range map[string]bool{
		"ends in time": true,
		"goes on":      false,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.deliver("messages", fmt.Sprintf(`"messages":[{"id":"wamid.a","from":%q,"timestamp":"1795430400","type":"text","text":{"body":"hello"}}]`, ana))

			leases, err := f.store.Claim(t.Context(), store.Conversations, now, now.Add(time.Hour), 1)
			if err != nil || len(leases) != 1 {
				t.Fatalf("Claim = %v, %v", leases, err)
			}

			erased := make(chan error, 1)

			go func() {
				_, err := f.find(number + ":" + ana).Erase(t.Context())
				erased <- err
			}()

			if err := f.clock.BlockUntilContext(t.Context(), 1); err != nil {
				t.Fatal(err)
			}

			if ends {
				if err := f.store.Release(t.Context(), leases[0].LeaseRef, now); err != nil {
					t.Fatal(err)
				}
			}

			f.clock.Advance(busyTime + busyRetryDelay)

			if err := <-erased; errors.Is(err, store.ErrInProgress) == ends || ends && err != nil {
				t.Errorf("Erase returned %v", err)
			}
		})
	}
}
