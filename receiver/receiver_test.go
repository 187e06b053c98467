// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestTextIsAnsweredOnce(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	message := standin.Wamid("1")
	for range 3 {
		h.deliver(http.StatusOK, textDelivery("573001234567", message, "hello"))
	}

	got := h.waitSent(1)[0]
	h.waitIdle()

	if want := "You said: hello"; got.Text != want || got.To != "+573001234567" || got.ContextID != message {
		t.Errorf("sent %+v, want text %q to the person, as an answer to the message", got, want)
	}

	asked := h.birdRequests()
	if len(asked) != 1 {
		t.Fatalf("Bird was asked %d times, want 1", len(asked))
	}

	for key, want := range map[string]any{
		"text":             "hello",
		"from":             "573001234567",
		"channel":          "whatsapp",
		"message_id":       message,
		"phone_number_id":  number,
		"conversation_key": number + ":573001234567",
		"schema_version":   1.0,
		"event_id":         h.record(message).Event.ID.String(),
	} {
		if diff := cmp.Diff(want, asked[0].Payload[key]); diff != "" {
			t.Errorf("asked %s (-want +got):\n%s", key, diff)
		}
	}

	if s := h.status(); s.Metrics.MessagesReceived != 1 || s.Metrics.MessagesProcessed != 1 || s.Status != "healthy" {
		t.Errorf("status = %+v, want one message received and processed", s)
	}
}

func TestConversationContinuesAfterDeadLetterAndReplay(t *testing.T) {
	h := newHarness(t, nil)
	h.Bird.Faults.Add(standin.Fault{Status: 422, Times: 1})
	h.start()

	first := standin.Wamid("1")
	second := standin.Wamid("2")

	h.deliver(http.StatusOK, textDelivery("573001234567", first, "one"))
	h.waitFor("dead letter", func() bool { return h.stats().DeadLetters == 1 })
	h.deliver(http.StatusOK, textDelivery("573001234567", second, "two"))

	if got := h.waitSent(1)[0].Text; got != "You said: two" {
		t.Errorf("sent %q, want the answer to the second message", got)
	}

	if err := h.Local.Store().Replay(t.Context(), h.record(first).Event.ID, time.Now()); err != nil {
		t.Fatal(err)
	}

	if got := h.waitSent(2)[1].Text; got != "You said: one" {
		t.Errorf("sent %q, want the answer to the replayed message", got)
	}
}

func TestConversationsAreOrderedAndIndependent(t *testing.T) {
	h := newHarness(t, nil)
	// The first message of one person needs a retry, which must not delay the others.
	h.Bird.Faults.Add(standin.Fault{Status: 503, Times: 1})
	h.start()

	const people, each = 5, 8
	for i := range each {
		for p := range people {
			h.deliver(http.StatusOK, textDelivery(fmt.Sprintf("57300%d", p), standin.Wamid(fmt.Sprint(p, "-", i)), fmt.Sprint(i)))
		}
	}

	next := map[string]int{}
	for _, sent := range h.waitSent(people * each) {
		if want := fmt.Sprint("You said: ", next[sent.To]); sent.Text != want {
			t.Errorf("to one person: sent %q, want %q", sent.Text, want)
		}

		next[sent.To]++
	}
}

func TestLongAnswerIsSplitInOrder(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { c.CloudAPI.MessagesPerSecond = 10 }) // so that the parts wait for the rate limit
	h.start()

	long := strings.TrimSpace(strings.Repeat("word ", 1700))
	h.deliver(http.StatusOK, textDelivery("573001234567", standin.Wamid("1"), long))
	sent := h.waitSent(3)

	var texts []string
	for i, s := range sent {
		texts = append(texts, s.Text)
		if (s.ContextID != "") != (i == 0) {
			t.Errorf("part %d has context %q; only the first refers to the message", i, s.ContextID)
		}
	}

	if got, want := strings.Join(texts, " "), "You said: "+long; got != want {
		t.Errorf("the parts do not make up the answer: %d characters, want %d", len(got), len(want))
	}
}

func TestQuarantineAndUnhandledTypes(t *testing.T) {
	h := newHarness(t, nil)
	h.start()
	h.deliver(http.StatusOK, standin.TextDelivery("999", "573001234567", "Ana", standin.Wamid("1"), "not ours", time.Now()))
	h.deliver(http.StatusOK, standin.MessageDelivery(number, "573001234567", "Ana", standin.Wamid("2"), "sticker", map[string]string{"id": "5"}, time.Now()))
	h.deliver(http.StatusOK, []byte(`{"object":"page","entry":[]}`))
	h.waitIdle()

	totals, err := h.Local.Store().Totals(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	got := map[string]int64{}
	for _, total := range totals {
		if total.Kind == store.KindNotice {
			continue
		}

		got[fmt.Sprint(total.Kind, " ", total.State)] += total.Count
	}

	if diff := cmp.Diff(map[string]int64{
		"message quarantined": 1,
		"message skipped":     1,
		"unknown skipped":     1,
	}, got); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}

	if asked := h.birdRequests(); len(asked) != 0 {
		t.Errorf("Bird was asked %d times, want never", len(asked))
	}
}

func TestStatusesNeverGoBackwards(t *testing.T) {
	h := newHarness(t, nil)
	h.start()

	for _, status := range []string{"sent", "read", "delivered", "sent", "failed", "surprising"} {
		h.deliver(http.StatusOK, standin.StatusDelivery(number, "wamid.out", status, "573001234567", "", time.Now()))
	}

	got, err := h.Local.Store().MessageStatus(t.Context(), number, "wamid.out", "")
	if err != nil {
		t.Fatal(err)
	}

	if got.Status != "read" {
		t.Errorf("status = %q, want read", got.Status)
	}
}

// TestReplayOfQuarantined forgets a number in the configuration, adds it later, and replays what came for it.
func TestReplayOfQuarantined(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.CloudAPI.PhoneNumberIDs = []string{"another"}
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
	h.deliver(http.StatusOK, echo(luis, "wamid.echo"))
	h.deliver(http.StatusOK, standin.StatusDelivery(number, "wamid.out", "read", ana, "", time.Now()))
	h.reconfigure(func(c *config.Config) { c.CloudAPI.PhoneNumberIDs = []string{number} })

	replay := func(id store.ID) {
		if err := h.Local.Store().Replay(t.Context(), id, h.clock.Now()); err != nil {
			t.Errorf("replay: %v", err)
		}
	}
	state := func(id store.ID) store.State {
		record, err := h.Local.Store().Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}

		return record.Event.State
	}

	message := store.NewID(store.KindMessage, number, "wamid.1")
	echoed := store.NewID(store.KindField, number, "smb_message_echoes", "wamid.echo")
	read := store.NewID(store.KindStatus, number, "wamid.out", "read", "", "")

	for name, id := range map[string]store.ID{"message": message, "echo": echoed, "status": read} {
		if got := state(id); got != store.Quarantined {
			t.Errorf("the %s is %s, want quarantined", name, got)
		}

		replay(id)
	}

	h.waitSent(1)
	h.waitIdle()

	for name, id := range map[string]store.ID{"message": message, "echo": echoed, "status": read} {
		if got := state(id); got != store.Done {
			t.Errorf("the replayed %s is %s, want done", name, got)
		}
	}

	if n := h.statusRequests(); n != 1 {
		t.Errorf("Bird got %d statuses, want the replayed one", n)
	}

	h.deliver(http.StatusOK, textDelivery(luis, "wamid.3", "hello again"))
	h.waitIdle()

	if got := h.record("wamid.3").Event.State; got != store.Human {
		t.Errorf("the message after the echo is %s, want human: a colleague has the conversation", got)
	}
}
