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

// pauseNumber closes the scope of the phone number for an hour.
func (h *harness) pauseNumber() {
	h.t.Helper()

	pause := store.Pause{Scope: "number:" + number, Until: h.clock.Now().Add(time.Hour), Level: 1}
	if err := h.Local.Store().SetPause(h.t.Context(), pause, h.clock.Now()); err != nil {
		h.t.Fatal(err)
	}

	h.waitFor("the pause", func() bool { return len(h.status().ClosedScopes) > 0 })
}

// crashAt starts a message that waits for the paused number, and records nothing, as a receiver does that is killed while
// it asks the AI. The next attempt waits for the number again.
func (h *harness) crashAt(message string) {
	h.t.Helper()
	h.waitFor("the message to wait", h.nothingDue)

	leases, err := h.Local.Store().ClaimWaiting(h.t.Context(), store.Conversations, "number:"+number, h.clock.Now(), 1)
	if err != nil || len(leases) != 1 {
		h.t.Fatalf("ClaimWaiting() = %v, %v, want the conversation", leases, err)
	}

	h.waitFor("the next attempt to wait", func() bool { return h.record(message).Starts == 0 && !h.Local.Busy() })
}

// TestChangesAfterACrash checks that the AI is notified of a change if it may have been asked about the message by an attempt
// that ended with its process, although the next attempt was postponed before it asked.
func TestChangesAfterACrash(t *testing.T) {
	const (
		asked   = `process_text_message {"text":"send 100 boxes"}`
		edited  = `process_message_edit {"caption":"","original_message_id":"wamid.1","text":"send 10 boxes","type":"text"}`
		revoked = `process_message_revoke {"original_message_id":"wamid.1"}`
	)

	edit := editDelivery("wamid.change", "wamid.1", "send 10 boxes")
	revoke := revokeDelivery("wamid.change", "wamid.1")

	onBothStores(t, func(t *testing.T, newHarness func(func(*config.Config)) *harness) {
		for name, tc := range map[string]struct {
			change  []byte
			crashes bool
			want    []string
			state   store.State // of the message
		}{
			"edited": {
				change:  edit,
				crashes: true,
				want:    []string{asked, edited},
				state:   store.Done,
			},
			"revoked": {
				change:  revoke,
				crashes: true,
				want:    []string{revoked},
				state:   store.Skipped,
			},
			"edited, without a crash": {
				change: edit,
				want:   []string{`process_text_message {"text":"send 10 boxes"}`},
				state:  store.Done,
			},
			"revoked, without a crash": {change: revoke, state: store.Skipped},
		} {
			t.Run(name, func(t *testing.T) {
				h := newHarness(withoutTyping)
				h.t = t
				h.start()
				h.waitReady()
				h.pauseNumber()
				h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "send 100 boxes"))

				if tc.crashes {
					h.crashAt("wamid.1")
				}

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
	})
}

// TestRevocationAfterACrashAndATakeover lets people take over a conversation about which the AI may have been asked.
func TestRevocationAfterACrashAndATakeover(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.pauseNumber()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "send 100 boxes"))
	h.waitFor("the message to wait", h.nothingDue)

	// The lease ends after the takeover.
	until := h.clock.Now().Add(time.Minute)

	leases, err := h.Local.Store().ClaimWaiting(t.Context(), store.Conversations, "number:"+number, until, 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("ClaimWaiting() = %v, %v, want the conversation", leases, err)
	}

	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	h.clock.Advance(2 * time.Minute)
	h.waitFor("the message to end", func() bool { return h.record("wamid.1").Event.State == store.Human })
	h.clock.Advance(24 * time.Hour)
	h.deliver(http.StatusOK, revokeDelivery("wamid.revoke", "wamid.1"))
	h.waitIdle()

	if diff := cmp.Diff([]string{`process_message_revoke {"original_message_id":"wamid.1"}`}, h.asked()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// TestTextsAreCollectedAfterACrash checks that a message which waits for further texts goes on to do so after a crash: the AI
// was not asked yet.
func TestTextsAreCollectedAfterACrash(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.Debounce = time.Minute })
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much"))
	h.waitFor("the message to wait", h.nothingDue)

	// The clock of the store is set ahead: the lease is granted, and has ended.
	now := h.clock.Now()

	leases, err := h.Local.Store().Claim(t.Context(), store.Conversations, now.Add(2*time.Minute), now, 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("Claim() = %v, %v, want the conversation", leases, err)
	}

	h.waitFor("the next attempt to wait", func() bool { return h.record("wamid.1").Starts == 0 && !h.Local.Busy() })
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "is it?"))
	h.clock.Advance(5 * time.Minute)
	h.waitIdle()

	if diff := cmp.Diff([]string{`process_text_message {"text":"how much\nis it?"}`}, h.asked()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// TestCaptionAfterACrash checks an edit of a file's caption, if the look-up of the file failed after the crash.
func TestCaptionAfterACrash(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.Retry = config.Retry{BaseDelay: time.Hour, MaxDelay: time.Hour}
	})
	h.start()
	h.pauseNumber()

	image := standin.MessageDelivery(number, ana, "Ana", "wamid.1", "image",
		map[string]any{"id": "501", "mime_type": "image/jpeg", "sha256": "claimed", "caption": "this one"}, time.Now())
	h.deliver(http.StatusOK, h.hostMedia(image))
	h.waitFor("the message to wait", h.nothingDue)

	// The lease ends after the pause.
	until := h.clock.Now().Add(2 * time.Hour)

	leases, err := h.Local.Store().ClaimWaiting(t.Context(), store.Conversations, "number:"+number, until, 1)
	if err != nil || len(leases) != 1 {
		t.Fatalf("ClaimWaiting() = %v, %v, want the conversation", leases, err)
	}

	h.Graph.Faults.Add(standin.Fault{PathPrefix: "/501", Status: http.StatusServiceUnavailable, Times: 1})
	h.clock.Advance(3 * time.Hour)
	h.waitFor("the look-up to fail", func() bool { return len(h.record("wamid.1").Failures) == 1 })
	h.deliver(http.StatusOK, captionDelivery("wamid.change", "wamid.1", "no, that one"))
	h.clock.Advance(2 * time.Hour)
	h.waitIdle()

	want := []string{
		`process_image_message {"caption":"this one","image_data":"Y29udGVudCBvZiA1MDE="}`,
		`process_message_edit {"caption":"no, that one","original_message_id":"wamid.1","text":"","type":"image"}`,
	}
	if diff := cmp.Diff(want, h.asked()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}
