// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const anaHandler = "/v1/conversations/106540352242922:573001234567/handler"

func at(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }

func TestHandler(t *testing.T) {
	f := newFixture(t, func(c *config.Config, _ *config.Secrets) { c.Processing.HandoffDuration = 12 * time.Hour })
	question := f.receive(ana, "wamid.1")

	byAI := map[string]any{
		"conversation_key": "106540352242922:573001234567",
		"handler":          "ai",
		"by":               "assistant",
		"since":            nil,
		"until":            nil,
		"reason":           nil,
		"window_until":     at(24 * time.Hour),
	}
	with := func(changes map[string]any) map[string]any {
		state := maps.Clone(byAI)
		maps.Copy(state, changes)

		return state
	}

	for _, step := range []struct {
		name        string
		key, method string
		path, body  string
		after       time.Duration // since the step before
		status      int
		want        map[string]any // nil: a problem with this code
		code        string
	}{
		{name: "the AI has it", key: assistantKey, method: "GET", path: anaHandler, status: 200, want: byAI},
		{name: "by the id of a message", key: deskKey, method: "GET", path: "/v1/conversations/" + question.String() + "/handler", status: 200, want: byAI},
		{name: "escaped", key: deskKey, method: "GET", path: strings.Replace(anaHandler, ":", "%3A", 1), status: 200, want: byAI},
		{name: "given to the AI that has it", key: deskKey, method: "PUT", path: anaHandler, body: `{"handler":"ai"}`, status: 200, want: byAI},
		{name: "taken by an assistant", key: assistantKey, method: "PUT", path: anaHandler, body: `{"handler":"human"}`, status: 403, code: "desk_only"},
		{name: "taken", key: deskKey, method: "PUT", path: anaHandler, body: `{"handler":"human","for":"2h","reason":"refund"}`, status: 200, want: with(map[string]any{
			"handler": "human", "by": "desk", "since": at(0), "until": at(2 * time.Hour), "reason": "refund",
		})},
		{name: "read again", key: assistantKey, method: "GET", path: anaHandler, status: 200, want: with(map[string]any{
			"handler": "human", "by": "desk", "since": at(0), "until": at(2 * time.Hour), "reason": "refund",
		})},
		{name: "taken for longer", key: deskKey, method: "PUT", path: anaHandler, body: `{"handler":"human"}`, after: time.Minute, status: 200, want: with(map[string]any{
			"handler": "human", "by": "desk", "since": at(time.Minute), "until": at(12*time.Hour + time.Minute),
		})},
		{name: "returned by an assistant", key: assistantKey, method: "PUT", path: anaHandler, body: `{"handler":"ai"}`, status: 403, code: "desk_only"},
		{name: "returned", key: deskKey, method: "PUT", path: anaHandler, body: `{"handler":"ai"}`, after: time.Minute, status: 200, want: with(map[string]any{
			"since": at(2 * time.Minute),
		})},
		{name: "a stranger", key: deskKey, method: "GET", path: "/v1/conversations/106540352242922:573009999999/handler", status: 404, code: "unknown_conversation"},
		{name: "a stranger, taken", key: deskKey, method: "PUT", path: "/v1/conversations/106540352242922:573009999999/handler", body: `{"handler":"human"}`, status: 404, code: "unknown_conversation"},
		{name: "an unknown message", key: deskKey, method: "GET", path: "/v1/conversations/9f86d081884c7d659a2feaa0c55ad015/handler", status: 404, code: "unknown_event"},
		{name: "no key", key: deskKey, method: "GET", path: "/v1/conversations/%ff:%00/handler", status: 400, code: "bad_request"},
		{name: "another number", key: deskKey, method: "GET", path: "/v1/conversations/106540352242923:573001234567/handler", status: 404, code: "unknown_number"},
		{name: "the window is closed", key: deskKey, method: "GET", path: anaHandler, after: 25 * time.Hour, status: 200, want: with(map[string]any{
			"since": at(2 * time.Minute), "window_until": nil,
		})},
		{name: "a text to a closed window", key: deskKey, method: "PUT", path: anaHandler, body: `{"handler":"ai","text":"hi"}`, status: 422, code: "window_closed"},
	} {
		f.clock.Advance(step.after)

		got := f.call(step.key, step.method, step.path, step.body)
		if got.status != step.status {
			t.Errorf("%s: answered %d %s, want %d", step.name, got.status, got.raw, step.status)
			continue
		}

		if step.want == nil {
			f.want(got, step.status, step.code)
		} else if diff := cmp.Diff(step.want, got.body); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestHandlerRequestsAreChecked(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	for body, message := range map[string]string{
		``:                                 "not JSON",
		`{}`:                               "handler is not ai or human",
		`{"handler":"robot"}`:              "handler is not ai or human",
		`{"handler":7}`:                    "handler is not a string",
		`{"handler":"human","text":"hi"}`:  "text goes with handler ai only",
		`{"handler":"ai","for":"2h"}`:      "for and reason go with handler human only",
		`{"handler":"ai","text":" "}`:      "text is empty",
		`{"handler":"human","for":"soon"}`: "for is not a duration",
		`{"handler":"human","for":"721h"}`: "for is not a duration",
		`{"handler":"human","for":"-1h"}`:  "for is not a duration",
		`{"handler":"human","for":"1ms"}`:  "from 1s to 720h",
		`{"handler":"human","until":"2h"}`: "a key that is not known",
		`{"handler":"human","reason":"` + strings.Repeat("x", 257) + `"}`: "reason has more than 256 bytes",
	} {
		got := f.call(deskKey, http.MethodPut, anaHandler, body)
		if got.status != http.StatusBadRequest || got.code() != "bad_request" || !strings.Contains(got.raw, message) {
			t.Errorf("%s: answered %d %s, want 400 %q", body, got.status, got.raw, message)
		}
	}

	noKey := f.call(deskKey, http.MethodPut, anaHandler, `{"handler":"ai","text":"hi"}`, "Idempotency-Key", "")
	f.want(noKey, http.StatusBadRequest, "bad_request")
}

// TestReturnWithAText gives a conversation back with a text, twice by the same request.
func TestReturnWithAText(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")
	f.want(f.call(deskKey, http.MethodPut, anaHandler, `{"handler":"human"}`), http.StatusOK, "")

	const body = `{"handler":"ai","text":"bye"}`

	first := f.call(deskKey, http.MethodPut, anaHandler, body, "Idempotency-Key", "1")
	f.want(first, http.StatusOK, "")

	if first.body["handler"] != "ai" || first.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("answered %s with %v, want the AI to have the conversation", first.raw, first.header)
	}

	record, err := f.store.Get(t.Context(), outbound.ID(number, "1"))
	if err != nil {
		t.Fatal(err)
	}

	m, err := outbound.Decode(record.Event.Payload)
	if err != nil {
		t.Fatal(err)
	}

	if m.Role != outbound.Desk || string(m.Body) != `{"response":"bye"}` {
		t.Errorf("stored %+v, want the text of the desk", m)
	}

	f.want(f.call(deskKey, http.MethodPut, anaHandler, `{"handler":"human"}`), http.StatusOK, "")

	again := f.call(deskKey, http.MethodPut, anaHandler, body, "Idempotency-Key", "1")
	f.want(again, http.StatusOK, "")

	if again.body["handler"] != "human" || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the repetition answered %s with %v, want it to change nothing", again.raw, again.header)
	}

	f.want(f.call(deskKey, http.MethodPost, "/v1/messages", toAna, "Idempotency-Key", "1"), http.StatusConflict, "idempotency_key_reused")
}

// TestHandedOffConversationIsAnnounced takes a conversation over that the AI handed off, and returns it with a message.
func TestHandedOffConversationIsAnnounced(t *testing.T) {
	f := newFixture(t, func(c *config.Config, _ *config.Secrets) { c.Notifications.SinkURL = "http://sink.example" })
	question := f.receive(ana, "wamid.1")
	handOff := store.Takeover{
		By:    store.HandedOff,
		Until: now.Add(time.Hour),
		At:    now,
		Event: question,
	}

	// Meta's clock is ahead, so a change of now would be older.
	for _, c := range []struct {
		kind string
		call func() reply
	}{
		{notice.TakenOver, func() reply {
			return f.call(deskKey, http.MethodPut, anaHandler, `{"handler":"human"}`)
		}},
		{notice.Returned, func() reply {
			return f.call(deskKey, http.MethodPost, "/v1/messages", strings.Replace(toAnaAsTwo, "human", "ai", 1))
		}},
	} {
		f.clock.Advance(time.Minute)
		handOff.At = f.clock.Now().Add(time.Second)

		if err := f.store.TakeOver(t.Context(), number+":"+ana, handOff, f.clock.Now()); err != nil {
			t.Fatal(err)
		}

		if got := c.call(); got.status >= 300 {
			t.Errorf("%s: answered %d %s", c.kind, got.status, got.raw)
		}

		state, err := f.store.Conversation(t.Context(), number+":"+ana)
		if err != nil {
			t.Fatal(err)
		}

		event := notice.Notice{
			Type:    c.kind,
			Source:  notice.Number(number),
			Subject: question.String(),
		}.Event(notice.HandoffOccurrence(state.Takeover.At))

		if !f.has(event.ID) {
			t.Errorf("%s was not announced", c.kind)
		}
	}
}
