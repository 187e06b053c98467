// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
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

// asked returns what Bird was asked: the method, and what is special to it.
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

// TestChangesBeforeTheAnswer checks what is asked about messages that were edited or deleted while they waited for the
// answer to an earlier one.
func TestChangesBeforeTheAnswer(t *testing.T) {
	image := standin.MessageDelivery(number, ana, "Ana", "wamid.image", "image",
		map[string]any{"id": "501", "mime_type": "image/jpeg", "sha256": "claimed", "caption": "this one"}, time.Now())

	const hello = `process_text_message {"text":"hello"}`

	onBothStores(t, func(t *testing.T, newHarness func(func(*config.Config)) *harness) {
		for name, tc := range map[string]struct {
			debounce  time.Duration
			delivered [][]byte
			asked     []string
			states    map[string]store.State
		}{
			"an edited text": {
				delivered: [][]byte{
					textDelivery(ana, "wamid.1", "send 100 boxes"),
					editDelivery("wamid.edit", "wamid.1", "send 10 boxes"),
				},
				asked:  []string{`process_text_message {"text":"send 10 boxes"}`},
				states: map[string]store.State{"wamid.1": store.Done, "wamid.edit": store.Done},
			},
			"several edits, behind another message": {
				delivered: [][]byte{
					textDelivery(ana, "wamid.1", "send 100 boxes"),
					textDelivery(ana, "wamid.2", "thanks"),
					editDelivery("wamid.edit1", "wamid.1", "send 10 boxes"),
					editDelivery("wamid.edit2", "wamid.1", "send 5 boxes"),
				},
				asked: []string{
					`process_text_message {"text":"send 5 boxes"}`,
					`process_text_message {"text":"thanks"}`,
				},
				states: map[string]store.State{"wamid.edit1": store.Done, "wamid.edit2": store.Done},
			},
			"an edited caption": {
				delivered: [][]byte{image, captionDelivery("wamid.edit", "wamid.image", "no, that one")},
				asked:     []string{`process_image_message {"caption":"no, that one","image_data":"Y29udGVudCBvZiA1MDE="}`},
				states:    map[string]store.State{"wamid.image": store.Done, "wamid.edit": store.Done},
			},
			"a revoked text": {
				delivered: [][]byte{
					textDelivery(ana, "wamid.1", "wrong chat"),
					revokeDelivery("wamid.revoke", "wamid.1"),
					textDelivery(ana, "wamid.2", "sorry"),
				},
				asked: []string{`process_text_message {"text":"sorry"}`},
				states: map[string]store.State{
					"wamid.1":      store.Skipped,
					"wamid.revoke": store.Skipped,
					"wamid.2":      store.Done,
				},
			},
			"a revoked file": {
				delivered: [][]byte{image, revokeDelivery("wamid.revoke", "wamid.image")},
				states:    map[string]store.State{"wamid.image": store.Skipped, "wamid.revoke": store.Skipped},
			},
			"edited and revoked": {
				delivered: [][]byte{
					textDelivery(ana, "wamid.1", "wrong chat"),
					editDelivery("wamid.edit", "wamid.1", "wrong chat, sorry"),
					revokeDelivery("wamid.revoke", "wamid.1"),
				},
				states: map[string]store.State{
					"wamid.1":      store.Skipped,
					"wamid.edit":   store.Skipped,
					"wamid.revoke": store.Skipped,
				},
			},
			"one of several texts edited, one revoked": {
				debounce: time.Minute,
				delivered: [][]byte{
					textDelivery(ana, "wamid.1", "send 100 boxes"),
					textDelivery(ana, "wamid.2", "and a bag"),
					textDelivery(ana, "wamid.3", "thanks"),
					revokeDelivery("wamid.revoke", "wamid.2"),
					editDelivery("wamid.edit", "wamid.1", "send 10 boxes"),
				},
				asked: []string{`process_text_message {"text":"send 10 boxes\nthanks"}`},
				states: map[string]store.State{
					"wamid.1":      store.Done,
					"wamid.2":      store.Skipped,
					"wamid.3":      store.Done,
					"wamid.edit":   store.Done,
					"wamid.revoke": store.Skipped,
				},
			},
			"the first of several texts revoked": {
				debounce: time.Minute,
				delivered: [][]byte{
					textDelivery(ana, "wamid.1", "send 100 boxes"),
					textDelivery(ana, "wamid.2", "hello again"),
					revokeDelivery("wamid.revoke", "wamid.1"),
				},
				asked: []string{`process_text_message {"text":"hello again"}`},
				states: map[string]store.State{
					"wamid.1":      store.Skipped,
					"wamid.revoke": store.Skipped,
					"wamid.2":      store.Done,
				},
			},
		} {
			t.Run(name, func(t *testing.T) {
				answered := make(chan struct{})
				h := newHarness(func(c *config.Config) { withoutTyping(c); c.Processing.Debounce = tc.debounce })
				h.t = t
				h.reply = func(method string, request map[string]any) any {
					if request["text"] == "hello" {
						<-answered
					}

					return nil
				}
				h.start()
				h.waitReady()

				// The messages wait behind one that Bird is asked about.
				h.deliver(http.StatusOK, textDelivery(ana, "wamid.0", "hello"))
				h.clock.Advance(tc.debounce)
				h.waitFor("Bird is asked", func() bool { return len(h.birdRequests()) == 1 })

				for _, delivery := range tc.delivered {
					h.deliver(http.StatusOK, h.hostMedia(delivery))
				}

				close(answered)
				h.waitFor("the first answer", func() bool { return h.record("wamid.0").Event.State == store.Done })
				h.clock.Advance(tc.debounce)
				h.waitIdle()

				if diff := cmp.Diff(append([]string{hello}, tc.asked...), h.asked()); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}

				for message, want := range tc.states {
					if got := h.record(message).Event.State; got != want {
						t.Errorf("%s is %s, want %s", message, got, want)
					}
				}
			})
		}
	})
}
