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
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestChangesBeforeTheirMessage checks edits and revocations that Meta delivers before their message.
func TestChangesBeforeTheirMessage(t *testing.T) {
	text := textDelivery(ana, "wamid.1", "send 100 boxes")
	edit := editDelivery("wamid.edit", "wamid.1", "send 10 boxes")
	revoke := revokeDelivery("wamid.revoke", "wamid.1")

	const told = `process_message_edit {"caption":"","original_message_id":"wamid.1","text":"send 10 boxes","type":"text"}`

	onBothStores(t, func(t *testing.T, newHarness func(func(*config.Config)) *harness) {
		for name, tc := range map[string]struct {
			first []byte
			late  bool // the message comes after the wait for it
			want  []string
		}{
			"an edit shortly before":      {first: edit, want: []string{`process_text_message {"text":"send 10 boxes"}`}},
			"a revocation shortly before": {first: revoke},
			"an edit long before":         {first: edit, late: true, want: []string{told}},
			"a revocation long before": {
				first: revoke,
				late:  true,
				want:  []string{`process_message_revoke {"original_message_id":"wamid.1"}`},
			},
		} {
			t.Run(name, func(t *testing.T) {
				h := newHarness(func(c *config.Config) { withoutTyping(c); c.Processing.Lease = 10 * time.Minute })
				h.t = t
				h.start()
				h.waitReady()
				h.deliver(http.StatusOK, tc.first)

				if tc.late {
					h.clock.Advance(time.Minute)
					h.waitIdle()
				}

				h.deliver(http.StatusOK, text)
				h.clock.Advance(time.Second)
				h.waitIdle()

				if diff := cmp.Diff(tc.want, h.asked()); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}
			})
		}
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
				h := newHarness(func(c *config.Config) {
					withoutTyping(c)
					c.Processing.Debounce = tc.debounce
					c.Processing.Lease = 10 * time.Minute // longer than the clock is set ahead during an attempt
				})
				h.t = t
				h.reply = func(_ string, request map[string]any) any {
					if request["text"] == "hello" {
						<-answered
					}

					return nil
				}
				h.start()
				h.waitReady()

				// The messages wait behind a message that Bird is asked about.
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

// TestChangesBetweenAttempts checks that a retry asks the same after an edit, and nothing after a revocation, if Bird may have
// answered the first attempt. Bird is notified of both.
func TestChangesBetweenAttempts(t *testing.T) {
	const asked = `process_text_message {"text":"send 100 boxes"}`

	for name, tc := range map[string]struct {
		change []byte
		want   []string
		state  store.State // of the message
	}{
		"edited": {
			change: editDelivery("wamid.change", "wamid.1", "send 10 boxes"),
			want: []string{
				asked,
				`process_message_edit {"caption":"","original_message_id":"wamid.1","text":"send 10 boxes","type":"text"}`,
			},
			state: store.Done,
		},
		"revoked": {
			change: revokeDelivery("wamid.change", "wamid.1"),
			want:   []string{asked, `process_message_revoke {"original_message_id":"wamid.1"}`},
			state:  store.Skipped,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withoutTyping(c)
				c.Processing.Retry = config.Retry{BaseDelay: time.Hour, MaxDelay: time.Hour}
			})
			h.Bird.Faults.Add(standin.Fault{
				PathPrefix:  "/v1/messages/text",
				Status:      503,
				AfterEffect: true,
				Times:       1,
			})
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "send 100 boxes"))
			h.waitFor("the attempt to fail", func() bool { return len(h.record("wamid.1").Failures) == 1 })
			h.deliver(http.StatusOK, tc.change)
			h.clock.Advance(2 * time.Hour)
			h.waitIdle()

			if diff := cmp.Diff(tc.want, h.asked()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}

			if got := h.record("wamid.1").Event.State; got != tc.state {
				t.Errorf("the message is %s, want %s", got, tc.state)
			}
		})
	}
}
