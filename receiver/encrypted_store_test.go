// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/backup"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestEncryptedStore checks that copies of an encrypted store have no text, and that the console exports, checks and erases as
// with any store.
func TestEncryptedStore(t *testing.T) {
	const marked = "MARKEDWORD"

	copies := t.TempDir()
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Store.Encrypted = true
	})

	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))
	h.writeSecret(config.RoleStoreKey, "0", key)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", marked))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", marked+" of another person, about "+ana))
	h.waitSent(2)
	h.waitIdle()

	var copied string
	h.console(http.StatusOK, http.MethodGet, "/v1/backup", &copied)

	if !strings.HasPrefix(copied, "SQLite format 3") || strings.Contains(copied, marked) {
		t.Error("the copy of the console is none, or has a text")
	}

	h.reconfigure(func(c *config.Config) {
		c.Store.Embedded.Backup = &config.Backup{Schedule: "0 3 * * *", Keep: 1, Folder: copies}
	})

	engine, ok := h.Local.Store().(store.BackedUp)
	if !ok {
		t.Fatal("the store of the receiver cannot be copied")
	}

	// The receiver's own scheduler looks once a minute; another one looks at once.
	scheduler := backup.New(backup.Dependencies{
		Store: engine,
		Live:  h.Local.Live,
		Clock: h.clock,
		Log:   slog.New(slog.NewTextHandler(h, nil)),
	})

	ctx, cancel := context.WithCancel(t.Context())

	var running sync.WaitGroup

	running.Go(func() { scheduler.Run(ctx) })

	defer running.Wait()
	defer cancel()

	var files []string

	h.waitFor("a scheduled copy", func() bool {
		files, _ = filepath.Glob(filepath.Join(copies, "*.db"))
		return len(files) > 0
	})

	content, err := os.ReadFile(files[0])
	if err != nil || !bytes.HasPrefix(content, []byte("SQLite format 3")) || bytes.Contains(content, []byte(marked)) {
		t.Errorf("the scheduled copy is none, or has a text: %v", err)
	}

	var check consoleapi.Check
	h.console(http.StatusOK, http.MethodPost, "/v1/store/check", &check)

	if len(check.Damages) > 0 {
		t.Errorf("the check found %v", check.Damages)
	}

	var exported string
	h.console(http.StatusOK, http.MethodGet, "/v1/conversations/"+number+":"+ana+"/export", &exported)

	if strings.Count(exported, "wamid.") == 0 || !strings.Contains(exported, marked) {
		t.Error("the export lacks what the person wrote")
	}

	h.writeSecret(config.RoleStoreKey, "0", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{2}, 32)))
	h.Local.Live.Reload()

	var refused string
	h.console(http.StatusServiceUnavailable, http.MethodGet, "/v1/conversations/"+number+":"+ana+"/messages", &refused)

	if !strings.HasPrefix(refused, store.ErrKey.Error()) || !strings.Contains(refused, "store.encryption.keySecretRefs") {
		t.Errorf("without its key, the messages are %q, want the key and its field", refused)
	}

	h.writeSecret(config.RoleStoreKey, "0", key)
	h.Local.Live.Reload()
	h.console(http.StatusOK, http.MethodDelete, "/v1/conversations/"+number+":"+ana, nil)

	if left := h.record("wamid.1"); len(left.Event.Payload) > 0 || len(left.Replies) > 0 {
		t.Error("the erased message has content")
	}

	if other := h.record("wamid.2"); other.Event.State != store.Done || !bytes.Contains(other.Event.Payload, []byte(marked)) {
		t.Error("the message of another person was erased or changed")
	}
}
