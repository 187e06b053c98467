// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const ana, luis = "573001234567", "573007654321"

func withoutTyping(c *config.Config) { c.Processing.TypingIndicator = new(false) }

// echo is a message that a colleague sent from the WhatsApp Business app.
func echo(to, id string) []byte {
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"smb_message_echoes","value":{
		"metadata":{"phone_number_id":%q},"message_echoes":[{"from":"15550783881","to":%q,"id":%q,"type":"text","text":{"body":"I will help"}}]}}]}]}`, number, to, id)
}

// hidden is a text of a person whose phone number Meta hides, or, with one, tells beside the user id.
func hidden(waID, userID, id, body string) []byte {
	from := ""
	if waID != "" {
		from = fmt.Sprintf(`"from":%q,`, waID)
	}

	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages","value":{
		"metadata":{"phone_number_id":%q},"messages":[{%s"from_user_id":%q,"id":%q,"type":"text","text":{"body":%q}}]}}]}]}`, number, from, userID, id, body)
}

func TestAColleagueSilencesTheAI(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "thanks"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
	h.waitSent(1)
	h.waitIdle()

	if asked := h.birdRequests(); len(asked) != 1 || asked[0].Payload["text"] != "hello" {
		t.Errorf("asked %v, want only the message of the person whom nobody helps", asked)
	}

	if got := h.record("wamid.1").Event.State; got != store.Human {
		t.Errorf("the message to the colleague is %s, want human", got)
	}
}

func TestSilenceFollowsThePersonAcrossNames(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, hidden(ana, "CO.1", "wamid.1", "both names"))
	h.waitSent(1)
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	h.waitIdle()
	h.deliver(http.StatusOK, hidden("", "CO.1", "wamid.2", "number hidden"))
	h.waitIdle()

	if got := h.record("wamid.2").Event.State; got != store.Human {
		t.Errorf("the message under the other name is %s, want human: a colleague has the conversation", got)
	}
}

func TestHandoff(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.HandoffDuration = time.Hour })
	h.reply = func(_ string, request map[string]any) any {
		if request["text"] == "a person, please" {
			return map[string]any{"response": map[string]any{
				"type":   "handoff",
				"reason": "asked",
				"text":   "Somebody will write to you.",
			}}
		}

		return standin.EchoReply("process_text_message", request)
	}
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "a person, please"))

	if got := h.waitSent(1)[0].Text; got != "Somebody will write to you." {
		t.Errorf("sent %q, want the last words", got)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "hello?"))
	h.waitFor("handled", func() bool { return h.record("wamid.2").Event.State != store.Pending })

	if got := h.record("wamid.2").Event.State; got != store.Human {
		t.Errorf("the message during the handoff is %s, want human", got)
	}

	h.clock.Advance(time.Hour)

	n := 3
	h.waitFor("the AI is back", func() bool {
		h.deliver(http.StatusOK, textDelivery(ana, fmt.Sprint("wamid.", n), "hello again"))
		n++

		return len(h.Graph.Sent()) > 1
	})
}

func TestReplyKinds(t *testing.T) {
	for name, tc := range map[string]struct {
		response any
		want     []string // types sent
		state    store.State
	}{
		"buttons": {map[string]any{
			"type":    "buttons",
			"text":    "Which?",
			"buttons": []any{map[string]any{"id": "a", "title": "A"}},
		}, []string{"interactive"}, store.Done},
		"quick replies": {map[string]any{
			"type":          "text",
			"text":          "Which?",
			"quick_replies": []any{"A", "B", "C", "D"},
		}, []string{"interactive"}, store.Done},
		"list": {map[string]any{
			"type":        "list",
			"text":        "Which?",
			"button_text": "Open",
			"sections":    []any{map[string]any{"title": "S", "rows": []any{map[string]any{"id": "a", "title": "A"}}}},
		}, []string{"interactive"}, store.Done},
		"media": {map[string]any{
			"type":    "image",
			"url":     "https://media.example/a.jpg",
			"caption": "A",
		}, []string{"image"}, store.Done},
		"template": {map[string]any{
			"type":     "template",
			"name":     "hello",
			"language": "es",
		}, []string{"template"}, store.Done},
		"location": {map[string]any{
			"type":      "location",
			"latitude":  4.7,
			"longitude": -74.1,
			"name":      "Here",
		}, []string{"location"}, store.Done},
		"reaction":       {map[string]any{"type": "reaction", "emoji": "👍"}, []string{"reaction"}, store.Done},
		"several":        {[]any{"one", map[string]any{"type": "reaction", "emoji": "👍"}, "two"}, []string{"text", "reaction", "text"}, store.Done},
		"none":           {map[string]any{"type": "none"}, nil, store.Done},
		"cannot be used": {map[string]any{"type": "hologram"}, []string{"text"}, store.Dead},
		"cannot be sent": {map[string]any{"type": "image", "url": "not a URL"}, []string{"text"}, store.Dead},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.FallbackText = "Sorry, please write again." })
			h.reply = func(string, map[string]any) any { return map[string]any{"response": tc.response} }
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitIdle()

			var types []string
			for _, m := range h.waitSent(len(tc.want)) {
				types = append(types, m.Type)
			}

			if diff := cmp.Diff(tc.want, types); diff != "" {
				t.Errorf("types sent (-want +got):\n%s", diff)
			}

			if got := h.record("wamid.1").Event.State; got != tc.state {
				t.Errorf("state = %s, want %s", got, tc.state)
			}
		})
	}
}

func TestDebounceJoinsQuickTexts(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.Debounce = time.Minute })
	h.start()

	for i, words := range []string{"hello", "I have", "a question"} {
		h.deliver(http.StatusOK, textDelivery(ana, fmt.Sprint("wamid.", i), words))
	}

	h.clock.Advance(time.Minute)

	if got, want := h.waitSent(1)[0].Text, "You said: hello\nI have\na question"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}

	h.waitIdle()

	if asked := h.birdRequests(); len(asked) != 1 {
		t.Errorf("Bird was asked %d times, want once", len(asked))
	}

	for i := range 3 {
		if got := h.record(fmt.Sprint("wamid.", i)).Event.State; got != store.Done {
			t.Errorf("text %d is %s, want done", i, got)
		}
	}
}

func TestAnalyzeMode(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Bird.Media.Mode = config.MediaAnalyze })
	h.reply = func(method string, request map[string]any) any {
		if method == "transcribe_audio" {
			return map[string]any{"result": map[string]any{"text": "when do you open", "confidence": 0.9}}
		}

		return standin.EchoReply(method, request)
	}
	h.Graph.PutMedia("500", "audio/ogg", []byte("sound"))
	h.start()
	h.deliver(http.StatusOK, standin.MessageDelivery(number, ana, "Ana", "wamid.1", "audio", map[string]any{
		"id":        "500",
		"mime_type": "audio/ogg",
		"voice":     true,
	}, time.Now()))

	if got, want := h.waitSent(1)[0].Text, "You said: when do you open"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}

	asked := h.birdRequests()
	if len(asked) != 2 || asked[0].MediaBytes != 5 || asked[1].Payload["analysis"] == nil {
		t.Errorf("asked %+v, want the recording and then its words with the analysis", asked)
	}
}

func TestNotices(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.sink.front.Faults.Add(standin.Fault{Status: http.StatusServiceUnavailable, Times: 5})
	h.Bird.Faults.Add(standin.Fault{
		PathPrefix: "/v1/messages/text",
		Status:     http.StatusUnprocessableEntity,
		Times:      1,
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "secret words"))
	h.waitFor("dead letter", func() bool { return h.stats().DeadLetters == 1 })
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "more secret words"))
	sent := h.waitSent(1)[0]
	h.deliver(http.StatusOK, standin.StatusDelivery(number, sent.ID, "read", ana, sent.Callback, time.Now()))
	h.deliver(http.StatusOK, standin.FailedDelivery(number, "wamid.other", ana, "", 131026, time.Now()))
	h.deliver(http.StatusOK, []byte(`{"object":"whatsapp_business_account","entry":[{"id":"7","time":1,"changes":[{"field":"account_update","value":{"event":"VERIFIED_ACCOUNT"}}]}]}`))
	h.deliver(http.StatusOK, []byte(`{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"`+number+`"},"errors":[{"code":131031,"title":"locked"}]}}]}]}`))
	h.waitIdle()

	dead := h.record("wamid.1").Event.ID.String()
	for kind, want := range map[string]int{
		"message.received":       2,
		"message.dead":           1,
		"message.read":           1,
		"message.failed":         1,
		"error.reported":         1,
		"account.account_update": 1,
	} {
		if got := h.sink.notices(kind); len(got) != want {
			t.Errorf("%d notices of %s, want %d", len(got), kind, want)
		}
	}

	if got := h.sink.notices("message.dead"); len(got) == 1 && (got[0].Subject != dead || !strings.Contains(fmt.Sprint(got[0].Data), "code:http_422")) {
		t.Errorf("notice of the dead letter = %+v, want its event and code", got[0])
	}

	h.sink.mu.Lock()
	defer h.sink.mu.Unlock()

	if all := fmt.Sprint(h.sink.received); strings.Contains(all, "secret") || strings.Contains(all, ana) {
		t.Error("a notice of a message tells what was written, or by whom")
	}
}

func TestRateLimitHoldsBackItsScopeOnly(t *testing.T) {
	for name, tc := range map[string]struct {
		code  int
		other bool // another person is held back too
	}{
		"a person's":   {131056, false},
		"the number's": {130429, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withoutTyping(c)
				c.Processing.Retry.BaseDelay = time.Hour
				c.Processing.Retry.MaxDelay = time.Hour
			})
			limit := standin.GraphError(tc.code, "", 0)
			limit.PathPrefix = "/" + number + "/messages"
			limit.Times = 1
			h.Graph.Faults.Add(limit)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "one"))
			h.waitFor("the limit is met", func() bool { return len(h.record("wamid.1").Failures) == 1 })
			h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "two"))
			h.waitFor("the other person's answer is planned", func() bool { return len(h.record("wamid.2").Replies) == 1 })

			if tc.other {
				if n := len(h.Graph.Sent()); n != 0 || h.Graph.Recorder.Total() != 1 {
					t.Errorf("%d messages sent by %d calls while the number is limited, want no call", n, h.Graph.Recorder.Total())
				}
			} else if got := h.waitSent(1)[0].Text; got != "You said: two" {
				t.Errorf("sent %q, want the other person's answer", got)
			}

			calls := h.Graph.Recorder.Total()
			h.stop()
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.3", "three"))

			pauses, err := h.Local.Store().Pauses(t.Context(), time.Now())
			if err != nil || len(pauses) != 1 {
				t.Errorf("after a restart, pauses = %v, %v; want the one of the scope", pauses, err)
			}

			if got := h.Graph.Recorder.Total(); got != calls {
				t.Errorf("Graph was called %d times after a restart within the pause, want never", got-calls)
			}
		})
	}
}

func TestErrorPolicyOverridesTheTable(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.ErrorPolicies = map[int]config.ErrorPolicy{131026: {Class: "rate_limited", Scope: "pair"}}
	})
	limit := standin.GraphError(131026, "", 0)
	limit.PathPrefix = "/" + number + "/messages"
	limit.Times = 1
	h.Graph.Faults.Add(limit)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
}

func TestTemplateRequired(t *testing.T) {
	for name, template := range map[string]string{"with a template": "come_back", "without one": ""} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withoutTyping(c)

				if template != "" {
					c.Processing.FallbackTemplate = config.FallbackTemplate{Name: template, Language: "es"}
				}
			})
			closed := standin.GraphError(131047, "", 0)
			closed.PathPrefix = "/" + number + "/messages"
			closed.Times = 1
			h.Graph.Faults.Add(closed)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitIdle()

			if template != "" {
				if got := h.waitSent(1)[0]; got.Type != "template" {
					t.Errorf("sent %s, want the template", got.Type)
				}

				return
			}

			h.waitSent(0)

			if got := h.record("wamid.1").Event.State; got != store.Dead {
				t.Errorf("state = %s, want a dead letter", got)
			}

			if n := len(h.sink.notices("template.required")); n != 1 {
				t.Errorf("%d notices that a template is required, want 1", n)
			}
		})
	}
}

func TestFailedStatus(t *testing.T) {
	for name, tc := range map[string]struct {
		code, sent int
	}{
		"passes: sent again":  {131000, 2},
		"for good: not again": {131026, 1},
		"not ours to decide":  {131049, 1},
		"limited: sent again": {130429, 2},
		"unknown: left as is": {999999, 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			first := h.waitSent(1)[0]
			h.waitIdle()
			h.deliver(http.StatusOK, standin.FailedDelivery(number, first.ID, ana, first.Callback, tc.code, time.Now()))
			h.waitFor("worked", func() bool { return len(h.sink.notices("message.failed")) == 1 })
			h.waitIdle()

			sent := h.waitSent(tc.sent)
			if last := sent[len(sent)-1]; last.Text != first.Text || last.Callback != first.Callback {
				t.Errorf("sent again %+v, want the same message", last)
			}

			if asked := h.birdRequests(); len(asked) != 1 {
				t.Errorf("Bird was asked %d times, want once", len(asked))
			}
		})
	}
}

func TestClosedWindowReportedLater(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.FallbackTemplate = config.FallbackTemplate{Name: "come_back", Language: "es"}
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	first := h.waitSent(1)[0]
	h.waitIdle()
	h.deliver(http.StatusOK, standin.FailedDelivery(number, first.ID, ana, first.Callback, 131047, time.Now()))

	if got := h.waitSent(2)[1]; got.Type != "template" {
		t.Errorf("sent %s %q, want the template", got.Type, got.Text)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "I am back"))

	if got := h.waitSent(3)[2]; got.Text != "You said: I am back" {
		t.Errorf("sent %s %q, want an answer: the person opened the window", got.Type, got.Text)
	}
}

func TestMediaFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		put  func(*harness)
		code string // of the dead letter; empty: it is answered
	}{
		"as announced": {func(h *harness) { h.Graph.PutMedia("500", "image/jpeg", []byte("photo")) }, ""},
		"gone":         {func(*harness) {}, "media_gone"},
		"another checksum": {func(h *harness) {
			h.Graph.PutMediaWithSHA256("500", "image/jpeg", []byte("photo"), strings.Repeat("0", 64))
		}, "media_hash"},
		"too large": {func(h *harness) { h.Graph.PutMedia("500", "image/jpeg", make([]byte, 6<<20)) }, "media_too_large"},
		"lookup fails at first": {func(h *harness) {
			h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))
			h.Graph.Faults.Add(standin.Fault{
				Method:     http.MethodGet,
				PathPrefix: "/500",
				Status:     http.StatusServiceUnavailable,
				Times:      1,
			})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			tc.put(h)
			h.start()
			h.deliver(http.StatusOK, standin.MessageDelivery(number, ana, "Ana", "wamid.1", "image", map[string]any{"id": "500", "mime_type": "image/jpeg"}, time.Now()))
			h.waitIdle()

			record := h.record("wamid.1")
			if tc.code == "" {
				if record.Event.State != store.Done || len(h.Graph.Sent()) != 1 {
					t.Errorf("state = %s with %d answers, want it answered", record.Event.State, len(h.Graph.Sent()))
				}

				return
			}

			if record.Event.State != store.Dead || record.Failures[len(record.Failures)-1].Code != tc.code {
				t.Errorf("state = %s, failures = %+v; want a dead letter by %s", record.Event.State, record.Failures, tc.code)
			}

			if asked := h.birdRequests(); len(asked) != 0 {
				t.Errorf("Bird was asked %d times, want never", len(asked))
			}
		})
	}
}
