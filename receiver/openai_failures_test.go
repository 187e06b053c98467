// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// failOnce lets the model fail by reply, and answer from then on.
func failOnce(failure any) func(standin.ChatCall) any {
	hasFailed := false

	return func(call standin.ChatCall) any {
		if !hasFailed {
			hasFailed = true
			return failure
		}

		return standin.EchoChat(call)
	}
}

// TestFailuresOfAModelThatPass checks that the message is answered after these.
func TestFailuresOfAModelThatPass(t *testing.T) {
	for name, failure := range map[string]standin.OpenAIError{
		"rate":          {Status: http.StatusTooManyRequests, Type: "requests", Code: "rate_limit_exceeded"},
		"no quota":      standin.OpenAINoQuota,
		"wrong key":     {Status: http.StatusUnauthorized, Code: "invalid_api_key"},
		"no permission": {Status: http.StatusForbidden},
		"unknown model": {Status: http.StatusNotFound, Code: "model_not_found"},
		"server":        standin.OpenAIServerError,
		"overload":      standin.OpenAIOverloaded,
		"timeout":       {Status: http.StatusRequestTimeout},
		"conflict":      {Status: http.StatusConflict},
	} {
		t.Run(name, func(t *testing.T) {
			h := newModelHarness(t, nil)
			h.chat = failOnce(failure)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))

			if got := h.waitSent(1)[0].Text; got != "You said: hello" {
				t.Errorf("sent %q", got)
			}
		})
	}
}

// TestAnswersOfAModelThatCannotBeUsed checks that the person gets the fallback text, and that the message is a dead letter.
func TestAnswersOfAModelThatCannotBeUsed(t *testing.T) {
	for name, reply := range map[string]any{
		"refusal":          standin.Refusal("no"),
		"nothing":          nil,
		"no choices":       standin.Completion{NoChoices: true},
		"filtered":         standin.Completion{FinishReason: "content_filter"},
		"Azure's filter":   standin.AzureFiltered,
		"too long":         standin.OpenAIError{Message: "maximum context length", Code: "context_length_exceeded"},
		"unknown function": standin.ToolCall{Name: "delete_everything", Arguments: "{}"},
		"broken arguments": standin.ToolCall{Name: "offer_choices", Arguments: "{"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newModelHarness(t, func(c *config.Config) { c.Processing.FallbackText = "Please write again." })
			h.chat = func(standin.ChatCall) any { return reply }
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))

			if got := h.waitSent(1)[0].Text; got != "Please write again." {
				t.Errorf("sent %q, want the fallback text", got)
			}

			h.waitFor("the message ends", func() bool { return h.record("wamid.1").Event.State == store.Dead })

			if n := len(h.OpenAI.Asked()); n != 1 {
				t.Errorf("the model was asked %d times, want once", n)
			}
		})
	}
}

// TestFallbackTextThatWaits checks that a message is a dead letter with the reason, in all that people see of it, also if its
// fallback text is not sent in the attempt that asked the model.
func TestFallbackTextThatWaits(t *testing.T) {
	for name, between := range map[string]func(*harness){
		"a limit":   func(*harness) {},
		"a restart": func(h *harness) { h.stop(); h.start() },
	} {
		t.Run(name, func(t *testing.T) {
			h := newModelHarness(t, func(c *config.Config) { c.Processing.FallbackText = "Please write again." })
			h.chat = func(standin.ChatCall) any { return standin.OpenAIError{Code: "context_length_exceeded"} }
			h.refuseSend(134101)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitFor("the refused send", func() bool {
				failures := h.record("wamid.1").Failures
				return len(failures) > 0 && failures[len(failures)-1].Code == "134101"
			})
			between(h)
			h.clock.Advance(2 * time.Hour)
			h.waitSent(1)
			h.waitIdle()

			record := h.record("wamid.1")
			last := record.Failures[len(record.Failures)-1]

			if record.Event.State != store.Dead || last.Code != "context_length_exceeded" || record.Attempts != 1 {
				t.Errorf("the message is %s after %+v, want a dead letter because the question is too long", record.Event.State, record.Failures)
			}

			if got := h.sink.notices("message.dead"); len(got) != 1 {
				t.Errorf("notices = %v, want one", got)
			}

			if n := len(h.OpenAI.Asked()); n != 1 {
				t.Errorf("the model was asked %d times, want once", n)
			}
		})
	}
}

// TestAnAccountWithoutCredit checks that all messages wait without a spent attempt, that a person sees why, and that they are
// answered once there is credit.
func TestAnAccountWithoutCredit(t *testing.T) {
	h := newModelHarness(t, nil)
	outage := h.OpenAI.Faults.Add(standin.OpenAINoQuota.Fault())
	h.start()
	h.deliverTexts(5)
	h.waitFor("a problem", func() bool {
		return strings.Contains(h.status().Problems["process_text_message"], "billing")
	})
	h.waitFor("a closed scope", func() bool { return len(h.status().ClosedScopes) == 1 })
	h.OpenAI.Faults.Remove(outage)
	h.waitSent(5)
	h.waitIdle()

	if stats := h.stats(); stats.DeadLetters != 0 {
		t.Errorf("%d dead letters, want none", stats.DeadLetters)
	}

	if n := h.record("wamid.0").Attempts; n != 0 {
		t.Errorf("the first message spent %d attempts, want none", n)
	}
}

// TestAMemoryThatIsTooLong checks that a question whose conversation does not fit is asked with the newer half.
func TestAMemoryThatIsTooLong(t *testing.T) {
	h := newModelHarness(t, nil)
	h.chat = func(call standin.ChatCall) any {
		if len(call.Messages) > 6 {
			return standin.OpenAIError{Message: "maximum context length", Code: "context_length_exceeded"}
		}

		return standin.EchoChat(call)
	}
	h.start()

	for i, text := range []string{"uno", "dos", "tres", "cuatro"} {
		h.deliver(http.StatusOK, textDelivery(ana, "wamid."+text, text))

		if got := h.waitSent(i + 1)[i].Text; got != "You said: "+text {
			t.Errorf("%s is answered by %q", text, got)
		}

		h.waitIdle()
	}

	if got := h.modelHeard()[1]; got != "user tres" {
		t.Errorf("the conversation begins with %q", got)
	}
}

// TestVoiceMessagesOfAModelWithoutTranscriptions checks what a model learns of a voice message that nothing turns into words.
func TestVoiceMessagesOfAModelWithoutTranscriptions(t *testing.T) {
	for name, c := range map[string]struct {
		adjust func(*config.Config)
		fault  standin.OpenAIError
	}{
		"no model":  {adjust: func(c *config.Config) { c.OpenAI.TranscriptionModel = "" }},
		"a refusal": {fault: standin.OpenAIError{Message: "Audio file is too short.", Code: "audio_too_short"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newModelHarness(t, c.adjust)
			if c.adjust == nil {
				h.Graph.PutMedia("500", "audio/ogg", []byte("content"))

				fault := c.fault.Fault()
				fault.PathPrefix = "/v1/audio"
				h.OpenAI.Faults.Add(fault)
			}

			h.start()
			h.deliver(http.StatusOK, messageOfType("wamid.1", "audio", map[string]any{
				"id":        "500",
				"mime_type": "audio/ogg",
				"voice":     true,
			}))

			if got := h.waitSent(1)[0].Text; got != "You said: [voice message]" {
				t.Errorf("sent %q", got)
			}
		})
	}
}

// TestATranscriptIsMadeOnce lets the model fail after a transcription. The next attempt has the words already.
func TestATranscriptIsMadeOnce(t *testing.T) {
	h := newModelHarness(t, nil)
	h.Graph.PutMedia("500", "audio/ogg", []byte("content"))
	h.chat = failOnce(standin.OpenAIServerError)
	h.start()
	h.deliver(http.StatusOK, messageOfType("wamid.1", "audio", map[string]any{
		"id":        "500",
		"mime_type": "audio/ogg",
		"voice":     true,
	}))
	h.waitSent(1)
	h.waitIdle()

	if n := len(h.OpenAI.HeardLog.All()); n != 1 {
		t.Errorf("the recording was transcribed %d times, want once", n)
	}

	if got := h.record("wamid.1").Transcript; got != "a voice message of 7 bytes" {
		t.Errorf("the transcript is %q", got)
	}
}
