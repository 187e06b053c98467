// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// restore puts a copy in the place of the store of a receiver that has ended.
func (h *harness) restore(copied string) {
	h.t.Helper()

	path := h.Config.Store.Embedded.Path

	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			h.t.Fatal(err)
		}
	}

	if err := os.WriteFile(path, []byte(copied), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// copyStore returns a copy of the store of the running receiver.
func (h *harness) copyStore() (copied string) {
	h.t.Helper()
	h.console(http.StatusOK, http.MethodGet, "/v1/backup", &copied)

	return copied
}

// startWith ends the receiver, and starts it with a copy of its store.
func (h *harness) startWith(copied string) {
	h.t.Helper()
	h.stop()
	h.restore(copied)
	h.start()
}

// TestRestoredBackup checks a receiver that starts with an older copy of its store: nothing is answered twice, even if Meta
// delivers it again. Messages that were pending in the copy are dead letters, which people can replay.
func TestRestoredBackup(t *testing.T) {
	h := newHarness(t, withoutTyping)
	asked := make(chan struct{}, 10)
	release := make(chan struct{})

	h.reply = func(method string, request map[string]any) any {
		asked <- struct{}{}

		if request["text"] == "pending" {
			<-release
		}

		return standin.EchoReply(method, request)
	}

	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.answered", "answered"))
	<-asked
	h.waitSent(1)
	h.waitIdle()
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.pending", "pending"))
	<-asked

	copied := h.copyStore()

	close(release)
	h.waitSent(2)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.later", "later"))
	h.waitSent(3)
	h.waitIdle()
	h.startWith(copied)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.answered", "answered"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.pending", "pending"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.new", "new"))
	h.waitSent(4)
	h.waitIdle()

	texts := sentTexts(h.waitSent(4))
	if diff := cmp.Diff([]string{"You said: answered", "You said: pending", "You said: later", "You said: new"}, texts); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}

	pending := store.NewID(store.KindMessage, number, "wamid.pending")

	record, err := h.Local.Store().Get(t.Context(), pending)
	if err != nil || record.Event.State != store.Dead || record.Failures[len(record.Failures)-1].Code != store.CodeRestored {
		t.Errorf("the message that was pending in the copy is %+v, %v, want a dead letter", record, err)
	}

	h.replay("wamid.pending")
	h.waitSent(5)

	if _, err := h.Local.Store().Get(t.Context(), store.NewID(store.KindMessage, number, "wamid.later")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the restored store has a message that is newer than the copy: %v", err)
	}
}
