// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/conversationid"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestConversations(t *testing.T) {
	event := store.NewID(store.KindMessage, "1")
	handedOff := store.Takeover{
		By:    store.HandedOff,
		Until: now.Add(time.Hour),
		At:    now.Add(-time.Minute),
		Event: event,
	}
	reason := store.Record{Work: store.Work{Event: notice.Notice{
		Type:    notice.HandedOff,
		Source:  notice.Number("42"),
		Subject: event.String(),
		Data:    json.RawMessage(`{"reason":"complaint"}`),
	}.Event(notice.HandoffOccurrence(handedOff.At))}}
	inbox := &fakeStore{
		events: []store.Record{reason},
		conversations: map[string]store.Conversation{
			"42:573001": {Takeover: handedOff, LastInboundAt: now.Add(-time.Second)},
			"42:573002": {},
			// The colleague's clock is ahead.
			"42:573003": {Takeover: store.Takeover{By: store.Colleague, Until: now.Add(time.Hour), At: now.Add(time.Minute)}},
			"42:573004": {Takeover: store.Takeover{By: store.Colleague, Until: now, At: now.Add(-time.Hour)}},
		},
	}
	console := newTestConsole(t, inbox)

	names := func() []string {
		var page struct{ Conversations []Conversation }
		console.callJSON(http.StatusOK, http.MethodGet, "/conversations?state=taken_over", &page)

		var names []string
		for _, c := range page.Conversations {
			names = append(names, c.Name)
		}

		return names
	}

	if diff := cmp.Diff([]string{"42:573001", "42:573003"}, names()); diff != "" {
		t.Errorf("conversations that people have (-want +got):\n%s", diff)
	}

	var got Conversation
	console.callJSON(http.StatusOK, http.MethodGet, "/conversations/42:573001", &got)

	if diff := cmp.Diff(Conversation{
		ID:             conversationid.New([]string{"secret"}).Encode("42:573001"),
		Person:         "…",
		PhoneNumberID:  "42",
		Name:           "42:573001",
		TakenOver:      true,
		By:             "handed_off",
		Since:          new(handedOff.At),
		Until:          new(handedOff.Until),
		Event:          event.String(),
		Reason:         "complaint",
		WaitingSince:   new(handedOff.At),
		LastMessageAt:  new(now.Add(-time.Second)),
		WindowClosesAt: new(now.Add(24*time.Hour - time.Second)),
	}, got); diff != "" {
		t.Errorf("conversation that the AI handed off (-want +got):\n%s", diff)
	}

	for _, name := range []string{"42:573001", "42%3A573003"} {
		got = Conversation{}
		console.callJSON(http.StatusOK, http.MethodPost, "/conversations/"+name+"/give-back", &got)

		if got.TakenOver || got.By != "assistant" {
			t.Errorf("given back: %+v, want the AI to have %s", got, name)
		}
	}

	if len(inbox.ingested) != 1 || inbox.ingested[0].Type != notice.Returned {
		t.Errorf("notices are %+v, want one: the AI has the conversation back that it had handed off", inbox.ingested)
	}

	got = Conversation{}
	console.callJSON(http.StatusOK, http.MethodPost, "/conversations/42:573002/take-over?for=2h", &got)

	if !got.TakenOver || got.By != "desk" || !got.Until.Equal(now.Add(2*time.Hour)) {
		t.Errorf("taken over: %+v, want for 2 hours", got)
	}

	if diff := cmp.Diff([]string{"42:573002"}, names()); diff != "" {
		t.Errorf("conversations that people have (-want +got):\n%s", diff)
	}

	for path, want := range map[string]int{
		"/conversations/42:1/take-over":                        http.StatusNotFound,
		"/conversations/42:1/give-back":                        http.StatusNotFound,
		"/conversations/42:573002/take-over?for=soon":          http.StatusBadRequest,
		"/conversations/42:573002/take-over?for=-1h":           http.StatusBadRequest,
		"/conversations/42:573002/take-over?for=1ms":           http.StatusBadRequest, // over before the answer says it
		"/conversations/42:573002/take-over?for=10000h":        http.StatusBadRequest,
		"/conversations/42:573002/take-over?until=2026-12-24T": http.StatusBadRequest,
	} {
		if code, body := console.call(http.MethodPost, path); code != want {
			t.Errorf("POST %s = %d %s, want %d", path, code, body, want)
		}
	}

	if strings.Contains(console.log.String(), "57300") {
		t.Errorf("the log names a person:\n%s", console.log.String())
	}
}

// TestWaitingBehindOthers looks for a person who waits behind many conversations in which no one does. A short page reaches
// as far as a long one, and an empty page that has a next says that there are more to look at.
func TestWaitingBehindOthers(t *testing.T) {
	inbox := &fakeStore{conversations: map[string]store.Conversation{}}
	console := newTestConsole(t, inbox)

	answer := func(n int) {
		for i := range n {
			inbox.conversations[fmt.Sprintf("42:1%06d", i)] = store.Conversation{
				Takeover: store.Takeover{By: store.Desk, Until: now.Add(time.Hour), At: now.Add(-time.Minute)},
			}
		}
	}

	inbox.conversations["42:573001"] = store.Conversation{
		Takeover: store.Takeover{By: store.HandedOff, Until: now.Add(time.Hour), At: now.Add(-time.Minute)},
	}

	answer(maxWaitingScan - 1)

	for _, limit := range []int{1, 50, maxPage} {
		var page ConversationPage
		console.callJSON(http.StatusOK, http.MethodGet, fmt.Sprintf("/v1/conversations?state=waiting&limit=%d", limit), &page)

		if len(page.Conversations) != 1 {
			t.Errorf("a page of %d has %d conversations, want the one whose person waits", limit, len(page.Conversations))
		}
	}

	answer(maxWaitingScan)

	var page ConversationPage
	console.callJSON(http.StatusOK, http.MethodGet, "/v1/conversations?state=waiting&limit=50", &page)

	if len(page.Conversations) != 0 || page.Next == "" {
		t.Fatalf("the page has %d conversations and next %q, want none and a next", len(page.Conversations), page.Next)
	}

	after := url.QueryEscape(page.Next)
	page = ConversationPage{}
	console.callJSON(http.StatusOK, http.MethodGet, "/v1/conversations?state=waiting&limit=50&after="+after, &page)

	if len(page.Conversations) != 1 || page.Next != "" {
		t.Errorf("the next page has %d conversations and next %q, want the one whose person waits, and no next", len(page.Conversations), page.Next)
	}
}
