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
	"github.com/wawebhook/whatsapp-webhook-operator/test/pgtest"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func editDelivery(message, original, words string) []byte {
	return standin.MessageDelivery(number, ana, "Ana", message, "edit", map[string]any{
		"original_message_id": original,
		"message":             map[string]any{"type": "text", "text": map[string]any{"body": words}},
	}, time.Now())
}

func captionDelivery(message, original, caption string) []byte {
	return standin.MessageDelivery(number, ana, "Ana", message, "edit", map[string]any{
		"original_message_id": original,
		"message":             map[string]any{"type": "image", "image": map[string]any{"caption": caption}},
	}, time.Now())
}

func revokeDelivery(message, original string) []byte {
	return standin.MessageDelivery(number, ana, "Ana", message, "revoke", map[string]any{
		"original_message_id": original,
	}, time.Now())
}

// asked returns the requests to Bird: the method, and its own properties.
func (h *harness) asked() []string {
	var asked []string

	for _, call := range h.birdRequests() {
		for _, key := range []string{"context", "referral", "media", "mime_type"} {
			delete(call.Payload, key)
		}

		asked = append(asked, call.Method+" "+summary(call.Payload))
	}

	return asked
}

// states returns the states of messages.
func (h *harness) states(messages ...string) map[string]store.State {
	states := map[string]store.State{}
	for _, message := range messages {
		states[message] = h.record(message).Event.State
	}

	return states
}

// onBothStores runs a test with the embedded store and with PostgreSQL.
func onBothStores(t *testing.T, test func(t *testing.T, newHarness func(func(*config.Config)) *harness)) {
	t.Run("embedded", func(t *testing.T) {
		test(t, func(adjust func(*config.Config)) *harness { return newHarness(t, adjust) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		server := pgtest.New(t, pgtest.Options{})

		test(t, func(adjust func(*config.Config)) *harness {
			user, err := server.NewUser()
			if err != nil {
				t.Fatal(err)
			}

			h := newHarness(t, func(c *config.Config) {
				adjust(c)
				c.Store = config.Store{PostgreSQL: &config.PostgreSQLStore{}}
			})
			h.writeSecret(config.RoleDatabaseURL, "0", user.URL)

			return h
		})
	})
}

// TestChangesAfterTheAnswer checks what Bird learns of messages that were edited or deleted after it was asked about them.
func TestChangesAfterTheAnswer(t *testing.T) {
	onBothStores(t, func(t *testing.T, newHarness func(func(*config.Config)) *harness) {
		h := newHarness(withoutTyping)
		asking := make(chan struct{})
		h.reply = func(method string, request map[string]any) any {
			switch method {
			case "process_message_edit":
				return map[string]any{"response": []any{
					map[string]any{"type": "text", "text": "10 it is"},
					map[string]any{"type": "reaction", "emoji": "👍"},
				}}
			case "process_message_revoke":
				return map[string]any{"response": []any{
					map[string]any{"type": "text", "text": "forgotten"},
					map[string]any{"type": "reaction", "emoji": "👍"},
				}}
			default:
				<-asking
				return standin.EchoReply(method, request)
			}
		}
		h.start()
		h.waitReady()
		h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "send 100 boxes"))
		h.waitFor("Bird is asked", func() bool { return len(h.birdRequests()) == 1 })
		h.deliver(http.StatusOK, editDelivery("wamid.edit1", "wamid.1", "send 20 boxes"))
		h.deliver(http.StatusOK, editDelivery("wamid.edit2", "wamid.1", "send 10 boxes"))
		close(asking)
		h.waitIdle()
		h.deliver(http.StatusOK, revokeDelivery("wamid.revoke", "wamid.1"))
		h.waitIdle()

		want := []string{
			`process_text_message {"text":"send 100 boxes"}`,
			`process_message_edit {"caption":"","original_message_id":"wamid.1","text":"send 10 boxes","type":"text"}`,
			`process_message_revoke {"original_message_id":"wamid.1"}`,
		}
		if diff := cmp.Diff(want, h.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}

		states := map[string]store.State{
			"wamid.edit1":  store.Skipped,
			"wamid.edit2":  store.Done,
			"wamid.revoke": store.Done,
		}
		if diff := cmp.Diff(states, h.states("wamid.edit1", "wamid.edit2", "wamid.revoke")); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}

		var sent, quoted []string
		for _, m := range h.waitSent(4) {
			sent = append(sent, m.Type+" "+m.Text)
			quoted = append(quoted, m.ContextID)
		}

		if diff := cmp.Diff([]string{"text You said: send 100 boxes", "text 10 it is", "reaction ", "text forgotten"}, sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}

		if diff := cmp.Diff([]string{"wamid.1", "wamid.1", "", ""}, quoted); diff != "" {
			t.Errorf("quoted (-want +got):\n%s", diff)
		}
	})
}

// TestChangesWithoutTheMethods checks that a bridge without methods for edits and revocations loses nothing else, and is not
// asked for them again and again.
func TestChangesWithoutTheMethods(t *testing.T) {
	for _, status := range []int{404, 405, 501} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			h.Bird.Faults.Add(standin.Fault{PathPrefix: "/v1/messages/edit", Status: status})
			h.Bird.Faults.Add(standin.Fault{PathPrefix: "/v1/messages/revoke", Status: status})
			h.start()

			for i := range 10 {
				message := fmt.Sprint("wamid.", i)
				h.deliver(http.StatusOK, textDelivery(ana, message, "hello"))
				h.waitIdle()
				h.deliver(http.StatusOK, editDelivery(message+".edit", message, "bye"))
				h.waitIdle()
				h.deliver(http.StatusOK, revokeDelivery(message+".revoke", message))
				h.waitIdle()
			}

			h.waitSent(10)

			calls := map[string]int{}
			for _, call := range h.Bird.Recorder.Calls() {
				calls[call.Path]++
			}

			if calls["/v1/messages/edit"] != 1 || calls["/v1/messages/revoke"] != 1 {
				t.Errorf("Bird was called %v, want each lacking method once", calls)
			}

			record := h.record("wamid.9.edit")
			if f := record.Failures; record.Event.State != store.Skipped || len(f) != 1 || f[0].Code != "no_method" || f[0].Spent {
				t.Errorf("the edit is %s with %+v, want skipped since Bird lacks the method", record.Event.State, f)
			}

			if status := h.status(); len(status.Problems) > 0 {
				t.Errorf("problems: %v, want none", status.Problems)
			}

			h.Bird.Faults.Clear()
			h.clock.Advance(time.Hour)
			h.deliver(http.StatusOK, editDelivery("wamid.later", "wamid.9", "hello again"))
			h.waitIdle()

			if got := h.record("wamid.later").Event.State; got != store.Done {
				t.Errorf("the edit after an hour is %s, want done", got)
			}
		})
	}
}

// TestChangesOfUnansweredMessages checks edits and revocations of messages that the AI was never asked about.
func TestChangesOfUnansweredMessages(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.HandoffDuration = time.Minute
		c.Bird.Endpoints = map[string]config.Endpoint{"process_location_message": {Enabled: new(false)}}
	})
	h.start()
	h.deliver(http.StatusOK, standin.MessageDelivery(number, ana, "Ana", "wamid.location", "location",
		map[string]any{"latitude": 1, "longitude": 2}, time.Now()))
	h.waitIdle()
	h.deliver(http.StatusOK, revokeDelivery("wamid.revoke", "wamid.location"))
	h.waitIdle()
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "for the colleague"))
	h.waitIdle()
	h.clock.Advance(time.Hour)
	h.deliver(http.StatusOK, editDelivery("wamid.edit", "wamid.1", "for the colleagues"))
	h.waitIdle()

	if asked := h.asked(); len(asked) > 0 {
		t.Errorf("asked %q, want nothing", asked)
	}

	for message, want := range map[string]store.State{
		"wamid.revoke": store.Skipped,
		"wamid.1":      store.Human,
		"wamid.edit":   store.Skipped,
	} {
		if got := h.record(message).Event.State; got != want {
			t.Errorf("%s is %s, want %s", message, got, want)
		}
	}
}

// TestRevocationOfATextAnsweredTogether lets people take over between two attempts at a question of two texts, and deletes the
// second. The AI may have been asked about both.
func TestRevocationOfATextAnsweredTogether(t *testing.T) {
	onBothStores(t, func(t *testing.T, newHarness func(func(*config.Config)) *harness) {
		h := newHarness(func(c *config.Config) {
			withoutTyping(c)
			c.Processing.Debounce = time.Minute
			c.Processing.Retry = config.Retry{BaseDelay: time.Hour, MaxDelay: time.Hour}
		})
		h.Bird.Faults.Add(standin.Fault{
			Status:      http.StatusServiceUnavailable,
			AfterEffect: true,
			Times:       1,
		})
		h.start()
		h.waitReady()
		h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "send 100 boxes"))
		h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "and a bag"))
		h.waitFor("the texts to wait", h.nothingDue)
		h.clock.Advance(2 * time.Minute)
		h.waitFor("the attempt to fail", func() bool { return len(h.record("wamid.1").Failures) == 1 })
		h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
		h.clock.Advance(2 * time.Hour)
		h.waitFor("the texts to end", func() bool { return h.record("wamid.2").Event.State == store.Human })
		h.clock.Advance(24 * time.Hour)
		h.deliver(http.StatusOK, revokeDelivery("wamid.revoke", "wamid.2"))
		h.waitIdle()

		want := []string{
			`process_text_message {"text":"send 100 boxes\nand a bag"}`,
			`process_message_revoke {"original_message_id":"wamid.2"}`,
		}
		if diff := cmp.Diff(want, h.asked()); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}
