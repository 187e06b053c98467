// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// TestAModelRemembersTheConversation checks the memory across messages, a voice message, and a restart of the receiver.
func TestAModelRemembersTheConversation(t *testing.T) {
	h := newModelHarness(t, nil)
	h.Graph.PutMedia("500", "audio/ogg", []byte("content"))
	h.start()

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hola"))
	h.waitSent(1)
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "otra persona"))
	h.waitSent(2)
	h.deliver(http.StatusOK, messageOfType("wamid.3", "audio", map[string]any{
		"id":        "500",
		"mime_type": "audio/ogg",
		"voice":     true,
	}))
	h.waitSent(3)
	h.waitIdle()
	h.stop()
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.4", "gracias"))
	h.waitSent(4)

	want := []string{
		"system",
		"user hola",
		"assistant You said: hola",
		"user a voice message of 7 bytes",
		"assistant You said: a voice message of 7 bytes",
		"user gracias",
	}
	if diff := cmp.Diff(want, h.modelHeard()); diff != "" {
		t.Errorf("the model got (-want +got):\n%s", diff)
	}
}

// TestMemoryHasLimits checks the limits of turns and age, and that a model can be asked without any memory.
func TestMemoryHasLimits(t *testing.T) {
	for name, c := range map[string]struct {
		memory config.Memory
		wait   time.Duration // before the last message
		want   []string
	}{
		"turns":      {memory: config.Memory{Turns: new(1)}, want: []string{"system", "user dos", "assistant You said: dos", "user tres"}},
		"none":       {memory: config.Memory{Turns: new(0)}, want: []string{"system", "user tres"}},
		"age":        {memory: config.Memory{Duration: time.Hour}, wait: 2 * time.Hour, want: []string{"system", "user tres"}},
		"characters": {memory: config.Memory{Characters: 100}, want: []string{"system", "user uno", "assistant You said: uno", "user dos", "assistant You said: dos", "user tres"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newModelHarness(t, func(config *config.Config) { config.OpenAI.Memory = c.memory })
			h.start()

			for i, text := range []string{"uno", "dos", "tres"} {
				if i == 2 {
					h.clock.Advance(c.wait)
				}

				h.deliver(http.StatusOK, textDelivery(ana, "wamid."+text, text))
				h.waitSent(i + 1)
				h.waitIdle()
			}

			if diff := cmp.Diff(c.want, h.modelHeard()); diff != "" {
				t.Errorf("the model got (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMemoryOfPeople checks that a model learns what a person and people of the business wrote to each other.
func TestMemoryOfPeople(t *testing.T) {
	h := newModelHarness(t, nil)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", standin.WantsPerson))
	h.waitSent(1)
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "¿hola?"))
	h.waitIdle()
	h.post("k1", h.unasked(outbound.Desk, "soy Luis"))
	h.waitSent(2)
	h.waitIdle()

	now := h.clock.Now()
	if err := h.Local.Store().TakeOver(t.Context(), number+":"+ana, store.Takeover{At: now}, now); err != nil {
		t.Fatal(err)
	}

	h.clock.Advance(time.Second) // a message at the end of a takeover is still people's
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.3", "gracias"))
	h.waitSent(3)

	want := []string{
		"system",
		"user " + standin.WantsPerson,
		"assistant One moment, a colleague will write to you.\n[handed the conversation off to a colleague]",
		"user ¿hola?",
		"assistant [a colleague wrote] soy Luis",
		"user gracias",
	}
	if diff := cmp.Diff(want, h.modelHeard()); diff != "" {
		t.Errorf("the model got (-want +got):\n%s", diff)
	}
}

// TestDeletedWordsAreForgotten checks that a model does not learn what the person has deleted.
func TestDeletedWordsAreForgotten(t *testing.T) {
	h := newModelHarness(t, nil)
	h.chat = func(standin.ChatCall) any { return "anotado" }
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "mi clave es 1234"))
	h.waitSent(1)
	h.deliver(http.StatusOK, messageOfType("wamid.2", "revoke", map[string]any{"original_message_id": "wamid.1"}))
	h.waitIdle()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.3", "hola"))
	h.waitSent(2)

	if diff := cmp.Diff([]string{"system", "user hola"}, h.modelHeard()); diff != "" {
		t.Errorf("the model got (-want +got):\n%s", diff)
	}
}
