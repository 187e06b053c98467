// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// askModel lets the AI be a model, without the typing indicator.
func askModel(c *config.Config) {
	withoutTyping(c)
	withOpenAI(c)
}

// newModelHarness starts the stand-ins with a model as the AI.
func newModelHarness(t *testing.T, adjust func(*config.Config)) *harness {
	t.Helper()

	return newHarness(t, func(c *config.Config) {
		askModel(c)

		if adjust != nil {
			adjust(c)
		}

		c.Bird = config.Bird{}
	})
}

// lastQuestion returns the last message of the last request to the model.
func (h *harness) lastQuestion() standin.ChatMessage {
	asked := h.OpenAI.Asked()
	messages := asked[len(asked)-1].Messages

	return messages[len(messages)-1]
}

func messageOfType(id, messageType string, content any) []byte {
	return standin.MessageDelivery(number, ana, "Ana", id, messageType, content, time.Now())
}

// TestAModelIsAskedAboutEachType delivers a message of each type. The model gets words for all of them, and the file of a
// picture and of a PDF. Only those files are downloaded.
func TestAModelIsAskedAboutEachType(t *testing.T) {
	data := func(mimeType, content string) string {
		return "data:" + mimeType + ";base64," + base64.StdEncoding.EncodeToString([]byte(content))
	}
	file := func(mimeType string, more map[string]any) map[string]any {
		content := map[string]any{"id": "500", "mime_type": mimeType}
		maps.Copy(content, more)

		return content
	}

	for name, c := range map[string]struct {
		messageType, mimeType string
		content               any
		want                  standin.ChatMessage
		isLeft                bool // not downloaded
	}{
		"text": {messageType: "text", content: map[string]any{"body": "hola"}, want: standin.ChatMessage{Text: "hola"}},
		"picture": {
			messageType: "image", mimeType: "image/jpeg",
			content: file("image/jpeg", map[string]any{"caption": "azul"}),
			want:    standin.ChatMessage{Text: "[photo] azul", Images: []string{data("image/jpeg", "content")}},
		},
		"PDF": {
			messageType: "document", mimeType: "application/pdf",
			content: file("application/pdf", map[string]any{"filename": "factura.pdf"}),
			want:    standin.ChatMessage{Text: "[document: factura.pdf]", Files: []string{"factura.pdf"}},
		},
		"other document": {
			messageType: "document", mimeType: "application/msword",
			content: file("application/msword", map[string]any{"filename": "carta.doc"}),
			want:    standin.ChatMessage{Text: "[document: carta.doc]"},
			isLeft:  true,
		},
		"video": {
			messageType: "video", mimeType: "video/mp4",
			content: file("video/mp4", nil),
			want:    standin.ChatMessage{Text: "[video]"},
			isLeft:  true,
		},
		"sticker": {
			messageType: "sticker", mimeType: "image/webp",
			content: file("image/webp", nil),
			want:    standin.ChatMessage{Text: "[sticker]"},
			isLeft:  true,
		},
		"voice message": {
			messageType: "audio", mimeType: "audio/ogg; codecs=opus",
			content: file("audio/ogg; codecs=opus", map[string]any{"voice": true}),
			want:    standin.ChatMessage{Text: "a voice message of 7 bytes"},
		},
		"place": {
			messageType: "location",
			content:     map[string]any{"latitude": 4.5, "longitude": -74, "name": "Plaza"},
			want:        standin.ChatMessage{Text: "4.5,-74 Plaza"},
		},
		"contact": {
			messageType: "contacts",
			content:     []any{map[string]any{"name": map[string]any{"formatted_name": "Luis"}}},
			want:        standin.ChatMessage{Text: "[contact] Luis"},
		},
		"choice": {
			messageType: "interactive",
			content:     map[string]any{"type": "list_reply", "list_reply": map[string]any{"id": "m", "title": "M", "description": "mediana"}},
			want:        standin.ChatMessage{Text: "M (mediana)"},
		},
		"order": {
			messageType: "order",
			content:     map[string]any{"product_items": []any{map[string]any{"product_retailer_id": "sku-1", "quantity": 2}}},
			want:        standin.ChatMessage{Text: "[order] 2 x sku-1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newModelHarness(t, nil)

			if c.mimeType != "" && !c.isLeft { // a download of another file would fail
				h.Graph.PutMedia("500", c.mimeType, []byte("content"))
			}

			h.start()
			h.deliver(http.StatusOK, messageOfType("wamid.1", c.messageType, c.content))
			h.waitSent(1)

			c.want.Role = "user"
			if diff := cmp.Diff(c.want, h.lastQuestion()); diff != "" {
				t.Errorf("question (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNothingIsSaidAboutReactions delivers what needs no answer of a model.
func TestNothingIsSaidAboutReactions(t *testing.T) {
	h := newModelHarness(t, nil)
	h.start()
	h.deliver(http.StatusOK, messageOfType("wamid.1", "reaction", map[string]any{"message_id": "wamid.0", "emoji": "👍"}))
	h.deliver(http.StatusOK, messageOfType("wamid.2", "system", map[string]any{"type": "customer_identity_changed"}))
	h.waitIdle()
	h.waitSent(0)

	if n := len(h.OpenAI.Asked()); n != 0 {
		t.Errorf("the model was asked %d times, want never", n)
	}
}

func TestAModelHandsOver(t *testing.T) {
	h := newModelHarness(t, nil)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", standin.WantsPerson))

	if got := h.waitSent(1)[0].Text; got != "One moment, a colleague will write to you." {
		t.Errorf("sent %q, want the text beside the call", got)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "are you there?"))
	h.waitIdle()
	h.waitSent(1)

	if got := h.record("wamid.2").Event.State; got != store.Human {
		t.Errorf("the message after the handoff is %s, want human", got)
	}

	handed := h.sink.notices("conversation.handed_off")
	if len(handed) != 1 {
		t.Fatalf("%d notices of a handoff, want one", len(handed))
	}

	if data, _ := handed[0].Data.(map[string]any); data["reason"] != "the customer asked for a person" {
		t.Errorf("the notice has the data %v, want the reason", handed[0].Data)
	}
}

func TestAModelOffersChoices(t *testing.T) {
	h := newModelHarness(t, nil)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", standin.WantsChoices))

	sent := h.waitSent(1)[0]
	if sent.Type != "interactive" {
		t.Errorf("sent a message of type %s, want buttons", sent.Type)
	}

	h.deliver(http.StatusOK, messageOfType("wamid.2", "interactive", map[string]any{
		"type":         "button_reply",
		"button_reply": map[string]any{"id": "Large", "title": "Large"},
	}))

	if got := h.waitSent(2)[1].Text; got != "You said: Large" {
		t.Errorf("the choice is answered by %q", got)
	}
}

// TestInstructionsOfAModel checks that questions wait for the file with the instructions, and that a person sees why.
func TestInstructionsOfAModel(t *testing.T) {
	h := newModelHarness(t, func(c *config.Config) { c.OpenAI.InstructionsFile = t.TempDir() + "/prompt.md" })
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitFor("a problem", func() bool {
		return strings.Contains(h.status().Problems["process_text_message"], "openAI.instructionsFile")
	})

	if err := os.WriteFile(h.Config.OpenAI.InstructionsFile, []byte("You sell shoes."), 0o600); err != nil {
		t.Fatal(err)
	}

	h.waitSent(1)

	if got := h.OpenAI.Asked()[0].Last("system"); !strings.HasPrefix(got, "You sell shoes.") {
		t.Errorf("the system message is %q", got)
	}

	h.waitFor("no problem", func() bool { return len(h.status().Problems) == 0 })
}

// TestMarkdownOfAModel checks that the formats of an answer become those of WhatsApp, also if the model writes as it has
// written before.
func TestMarkdownOfAModel(t *testing.T) {
	h := newModelHarness(t, nil)
	h.chat = func(call standin.ChatCall) any {
		if before := call.Last("assistant"); before != "" {
			return before
		}

		return "# Horario\n**Lunes** *hoy*"
	}
	h.start()

	for n := range 3 {
		h.deliver(http.StatusOK, textDelivery(ana, fmt.Sprintf("wamid.%d", n+1), "hello"))

		if got := h.waitSent(n + 1)[n].Text; got != "*Horario*\n*Lunes* _hoy_" {
			t.Errorf("answer %d is %q", n+1, got)
		}

		h.waitIdle()
	}
}

// TestTokensAreCounted checks the metrics of what answers cost.
func TestTokensAreCounted(t *testing.T) {
	h := newModelHarness(t, nil)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", standin.WantsLength))
	h.waitSent(1)

	_, page := h.adminPage("/metrics")
	for _, want := range []string{
		`whatsapp_ai_tokens_total{direction="output"} 8`,
		"whatsapp_ai_answers_truncated_total 1",
	} {
		if !slices.Contains(strings.Split(page, "\n"), want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// TestAnotherProtocolLosesNothing changes from a bridge that is away to a model. What waited is answered by the model, which
// knows the conversation so far.
func TestAnotherProtocolLosesNothing(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.waitIdle()

	h.Bird.Faults.Add(standin.Fault{Status: http.StatusServiceUnavailable})
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "are you there?"))
	h.waitFor("the message waits", func() bool { return len(h.record("wamid.2").Failures) > 0 })

	h.reconfigure(func(c *config.Config) {
		withOpenAI(c)
		*c = h.ConnectAI(*c)
	})
	h.waitSent(2)
	h.waitIdle()

	want := []string{"system", "user hello", "assistant You said: hello", "user are you there?"}
	if diff := cmp.Diff(want, h.modelHeard()); diff != "" {
		t.Errorf("the model got (-want +got):\n%s", diff)
	}
}

// TestAChangeWhileAMessageIsPreparedLosesNothing changes from a bridge to a model after the bridge has transcribed a voice
// message and before it is asked about it. The model knows the conversation so far.
func TestAChangeWhileAMessageIsPreparedLosesNothing(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Bird.Media.Mode = config.MediaAnalyze
	})
	h.Graph.PutMedia("500", "audio/ogg", []byte("content"))

	h.reply = func(method string, request map[string]any) any {
		if method == string(assistant.TranscribeAudio) {
			h.reconfigure(withOpenAI)

			return map[string]any{"result": map[string]any{"text": "are you there?", "confidence": 0.9}}
		}

		return standin.EchoReply(method, request)
	}
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.waitIdle()

	h.deliver(http.StatusOK, messageOfType("wamid.2", "audio", map[string]any{"id": "500", "mime_type": "audio/ogg", "voice": true}))
	h.waitSent(2)
	h.waitIdle()

	want := []string{"system", "user hello", "assistant You said: hello", "user are you there?"}
	if diff := cmp.Diff(want, h.modelHeard()); diff != "" {
		t.Errorf("the model got (-want +got):\n%s", diff)
	}
}

// modelHeard returns the messages of the last request to the model, each with its role and text, without that of the
// system.
func (h *harness) modelHeard() []string {
	asked := h.OpenAI.Asked()

	var lines []string

	for _, message := range asked[len(asked)-1].Messages {
		line := message.Role
		if message.Role != "system" {
			line += " " + message.Text
		}

		lines = append(lines, line)
	}

	return lines
}

// TestAnAnswerOfAModelIsAskedForOnce ends the receiver between the answer and its send. The next one sends it and does not
// ask again: an answer costs, and the next one would be another.
func TestAnAnswerOfAModelIsAskedForOnce(t *testing.T) {
	h := newModelHarness(t, nil)
	outage := h.Graph.Faults.Add(standin.Fault{PathPrefix: "/" + number + "/messages", Status: http.StatusServiceUnavailable})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitFor("the answer is recorded", func() bool { return len(h.record("wamid.1").Replies) == 1 })
	h.stop()
	h.Graph.Faults.Remove(outage)
	h.start()
	h.waitSent(1)
	h.waitIdle()

	if n := len(h.OpenAI.Asked()); n != 1 {
		t.Errorf("the model was asked %d times, want once", n)
	}
}

// TestNoPhoneNumberGoesToTheModel checks what a provider learns of the person: the words and the profile name.
func TestNoPhoneNumberGoesToTheModel(t *testing.T) {
	h := newModelHarness(t, nil)
	h.start()

	for i := range 2 {
		h.deliver(http.StatusOK, textDelivery(ana, fmt.Sprint("wamid.", i), "hello"))
		h.waitSent(i + 1)
		h.waitIdle()
	}

	for _, call := range h.OpenAI.Asked() {
		if body := fmt.Sprint(call.Body); strings.Contains(body, ana) || strings.Contains(body, number) || call.User == "" {
			t.Errorf("the model was asked with %s", body)
		}
	}

	for _, call := range h.OpenAI.Recorder.Calls() {
		if header := fmt.Sprint(call.Header); strings.Contains(header, "wamid.") || strings.Contains(header, number) {
			t.Errorf("the model was asked with the header %s: a message id contains a phone number", header)
		}
	}
}
