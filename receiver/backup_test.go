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

// TestRestoredBackup checks what a receiver does that starts with an older copy of its store: nothing that the copy knows as
// answered is answered again, even if Meta delivers it again, and what was pending in the copy is answered, although it was
// answered meanwhile, since the copy cannot know.
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

	var copied string
	h.console(http.StatusOK, http.MethodGet, "/v1/backup", &copied)
	close(release)
	h.waitSent(2)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.later", "later"))
	h.waitSent(3)
	h.waitIdle()
	h.stop()

	h.restore(copied)
	h.start()
	h.waitSent(4)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.answered", "answered"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.pending", "pending"))
	h.waitIdle()

	texts := sentTexts(h.waitSent(4))
	if diff := cmp.Diff([]string{"You said: answered", "You said: pending", "You said: later", "You said: pending"}, texts); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}

	if _, err := h.Local.Store().Get(t.Context(), store.NewID(store.KindMessage, number, "wamid.later")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the restored store has a message that is newer than the copy: %v", err)
	}
}
