// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// The keys of the tests. The first one encrypts the first message, and then it is missing.
var (
	firstKey  = bytes.Repeat([]byte{1}, 32)
	secondKey = bytes.Repeat([]byte{2}, 32)
)

// encryptedStore encrypts the store, and limits the age of what a model remembers.
func encryptedStore(memory time.Duration) func(*config.Config) {
	return func(c *config.Config) {
		c.Store.Encrypted = true
		c.OpenAI.Memory.Duration = memory
	}
}

// startWithoutKey has the receiver answer a message of Ana, and starts it again without the key of that message.
func (h *harness) startWithoutKey() {
	h.t.Helper()
	h.writeSecret(config.RoleStoreKey, "0", base64.StdEncoding.EncodeToString(firstKey))
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hola"))
	h.waitSent(1)
	h.waitIdle()
	h.stop()
	h.writeSecret(config.RoleStoreKey, "0", base64.StdEncoding.EncodeToString(secondKey))
	h.start()
}

// addKey adds the missing key, and lets the messages that wait for it try again.
func (h *harness) addKey() {
	h.t.Helper()
	h.writeSecret(config.RoleStoreKey, "1", base64.StdEncoding.EncodeToString(firstKey))
	h.Local.Live.Reload()
	h.clock.Advance(store.MaxKeyWait)
}

// missingKey returns how problems and failures name the missing key.
func missingKey() string {
	sum := sha256.Sum256(firstKey)
	return "key " + hex.EncodeToString(sum[:4]) + " is missing"
}

// waitMissing waits until the receiver reports the missing key.
func (h *harness) waitMissing() {
	h.t.Helper()
	h.waitFor("the problem", func() bool { return strings.Contains(h.status().Problems["decrypt the store"], missingKey()) })
}

// TestMissingKeyOfTheMemory removes the key with which an earlier message was encrypted. The next message of the person waits for
// it, spends no attempt, and delays no other person.
func TestMissingKeyOfTheMemory(t *testing.T) {
	h := newModelHarness(t, encryptedStore(0))
	h.startWithoutKey()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "¿y mañana?"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.3", "otra persona"))
	h.waitSent(2)

	for range 5 { // more than the message has attempts
		h.waitMissing()
		h.pass(time.Minute, time.Minute)
	}

	if record := h.record("wamid.2"); record.Event.State != store.Pending || record.Attempts != 0 || len(record.Failures) > 0 {
		t.Errorf("the message is %s after %d attempts, with %v; want it to wait", record.Event.State, record.Attempts, record.Failures)
	}

	h.addKey()
	h.waitSent(3)

	if diff := cmp.Diff([]string{"system", "user hola", "assistant You said: hola", "user ¿y mañana?"}, h.modelHeard()); diff != "" {
		t.Errorf("the model got (-want +got):\n%s", diff)
	}

	if problem := h.status().Problems["decrypt the store"]; problem != "" {
		t.Errorf("the problem is %q after the key was added", problem)
	}
}

// TestMissingKeyOfAForgottenMessage checks that a message does not wait for the key of a message that is too old
// for the memory.
func TestMissingKeyOfAForgottenMessage(t *testing.T) {
	h := newModelHarness(t, encryptedStore(time.Hour))
	h.startWithoutKey()
	h.clock.Advance(2 * time.Hour)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "¿y mañana?"))
	h.waitSent(2)

	if diff := cmp.Diff([]string{"system", "user ¿y mañana?"}, h.modelHeard()); diff != "" {
		t.Errorf("the model got (-want +got):\n%s", diff)
	}
}

// TestMissingKeyForADay checks that a message which waits for a key becomes a dead letter that names it, and that the
// conversation continues once the key is back.
func TestMissingKeyForADay(t *testing.T) {
	h := newModelHarness(t, encryptedStore(72*time.Hour))
	h.startWithoutKey()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "¿y mañana?"))
	h.waitMissing()
	h.pass(25*time.Hour, time.Hour)
	h.waitFor("the message ends", func() bool { return h.record("wamid.2").Event.State == store.Dead })

	failures := h.record("wamid.2").Failures
	if last := failures[len(failures)-1]; last.Class != string(failure.Configuration) || !strings.Contains(last.Text, missingKey()) {
		t.Errorf("the message failed with %+v, want the configuration, and the key", last)
	}

	h.addKey()
	h.deliver(http.StatusOK, standin.TextDelivery(number, ana, "Ana", "wamid.3", "¿hoy?", h.clock.Now()))
	h.waitSent(2)
}

// TestMissingKeyOfAMessageWithAFile checks that the file of a message which waits for a key is not downloaded before.
func TestMissingKeyOfAMessageWithAFile(t *testing.T) {
	h := newModelHarness(t, encryptedStore(0))
	h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))

	lookUps := func() int { return len(h.Graph.Recorder.Calls(standin.On(http.MethodGet, "/500"))) }

	h.startWithoutKey()
	h.deliverPhoto("wamid.2")
	h.waitMissing()
	h.pass(10*time.Minute, time.Minute)

	if n := lookUps(); n != 0 {
		t.Errorf("the file was looked up %d times while its message waits", n)
	}

	h.addKey()
	h.waitSent(2)

	if n := lookUps(); n != 1 {
		t.Errorf("the file was looked up %d times, want once", n)
	}
}

// TestMissingKeyOfAChangedMessage checks that the AI learns of the changes of a message whose key is missing: its content is
// not needed.
func TestMissingKeyOfAChangedMessage(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Store.Encrypted = true
	})
	h.startWithoutKey()
	h.deliver(http.StatusOK, editDelivery("wamid.edit", "wamid.1", "adiós"))
	h.waitIdle()
	h.deliver(http.StatusOK, revokeDelivery("wamid.revoke", "wamid.1"))
	h.waitIdle()

	want := []string{
		`process_text_message {"text":"hola"}`,
		`process_message_edit {"caption":"","original_message_id":"wamid.1","text":"adiós","type":"text"}`,
		`process_message_revoke {"original_message_id":"wamid.1"}`,
	}
	if diff := cmp.Diff(want, h.asked()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// TestMissingKeyThatIsNotNeeded checks that a message without an answer does not wait for the key of an earlier message, and that
// a failed send is announced without the content of its message.
func TestMissingKeyThatIsNotNeeded(t *testing.T) {
	h := newModelHarness(t, encryptedStore(0))
	h.startWithoutKey()
	first := h.Graph.Sent()[0]
	h.deliver(http.StatusOK, revokeDelivery("wamid.2", "wamid.1"))
	h.deliver(http.StatusOK, failed(first, recipients["the same number"], 131026))
	h.waitFor("the notice of the failure", func() bool { return len(h.sink.notices("message.failed")) == 1 })
	h.waitFor("the revocation ends", func() bool { return h.record("wamid.2").Event.State == store.Skipped })
	h.waitIdle()
}

// TestMissingKeyOfAQuestion posts an answer to a message whose key is missing. The refusal names the key, and other messages are
// taken.
func TestMissingKeyOfAQuestion(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withMessages(c)
		c.Store.Encrypted = true
	})
	h.startWithoutKey()

	question := h.birdRequests()[0].Payload["event_id"]
	body := fmt.Sprintf(`{"in_reply_to":%q,"response":"Ten euros."}`, question)

	refused := h.postMessage(http.StatusServiceUnavailable, folder.AssistantKey, "1", body)
	if text, _ := refused.body["message"].(string); !strings.Contains(text, missingKey()) {
		t.Errorf("answered %s, want the key that is missing", refused.raw)
	}

	h.postMessage(http.StatusAccepted, folder.AssistantKey, "2", toAna("One moment."))
	h.addKey()
	h.postMessage(http.StatusAccepted, folder.AssistantKey, "1", body)
	h.wantSent("text", "text", "text")
}

// TestMissingKeyOfAnotherPerson exports and erases a person while the key of another person's message is missing.
func TestMissingKeyOfAnotherPerson(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Store.Encrypted = true
	})
	h.startWithoutKey()
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "MARKEDWORD"))
	h.waitSent(2)
	h.waitIdle()

	type export struct {
		Events []struct {
			Text   string
			Unread string
		}
		NotRead *struct {
			Events  int
			Reasons []string
		} `json:"not_read"`
	}

	var exported export
	h.console(http.StatusOK, http.MethodGet, "/v1/conversations/"+number+":"+luis+"/export", &exported)

	if len(exported.Events) == 0 || exported.Events[0].Text != "MARKEDWORD" || exported.NotRead == nil ||
		exported.NotRead.Events == 0 || !strings.Contains(exported.NotRead.Reasons[0], missingKey()) {
		t.Errorf("the export is %+v, want the message, and that another one could not be read", exported)
	}

	var refused string
	h.console(http.StatusConflict, http.MethodDelete, "/v1/conversations/"+number+":"+luis, &refused)

	if !strings.Contains(refused, "not everything is erased") || !strings.Contains(refused, missingKey()) ||
		len(h.record("wamid.2").Event.Payload) > 0 {
		t.Errorf("the erasure answered %q, want that it is incomplete, and the message without content", refused)
	}

	exported = export{}
	h.console(http.StatusOK, http.MethodGet, "/v1/conversations/"+number+":"+ana+"/export", &exported)

	if len(exported.Events) == 0 || !strings.Contains(exported.Events[0].Unread, missingKey()) || exported.Events[0].Text != "" {
		t.Errorf("the export is %+v, want that the message could not be read", exported)
	}

	h.console(http.StatusOK, http.MethodDelete, "/v1/conversations/"+number+":"+ana, nil)
	h.console(http.StatusOK, http.MethodDelete, "/v1/conversations/"+number+":"+luis, nil)
}
