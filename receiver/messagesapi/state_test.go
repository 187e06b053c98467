// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// recordStore is a store with one event, and the statuses of messages.
type recordStore struct {
	Store

	record   store.Record
	statuses map[string]*store.StatusUpdate // by message
}

// Get implements store.Events.
func (s recordStore) Get(context.Context, store.ID) (*store.Record, error) { return &s.record, nil }

// MessageStatus implements store.Events.
func (s recordStore) MessageStatus(_ context.Context, _, messageID, _ string) (*store.StatusUpdate, error) {
	if status, ok := s.statuses[messageID]; ok {
		return status, nil
	}

	return nil, store.ErrNotFound
}

func TestMessageState(t *testing.T) {
	sent := func(id string) store.Reply { return store.Reply{State: store.Sent, MessageID: id} }
	statuses := map[string]*store.StatusUpdate{
		"sent":      {Status: "sent"},
		"delivered": {Status: "delivered"},
		"read":      {Status: "read"},
		"played":    {Status: "played"},
		"failed":    {Status: "failed", ErrorCode: 131026},
		"new":       {Status: "teleported"},
	}

	for name, c := range map[string]struct {
		state    store.State
		replies  []store.Reply
		failures []store.Failure
		want     string
		errors   []messageError
	}{
		"waits":               {store.Pending, nil, nil, "stored", nil},
		"planned":             {store.Pending, []store.Reply{{State: store.Planned}}, nil, "planned", nil},
		"sending":             {store.Pending, []store.Reply{{State: store.Sending}}, nil, "sending", nil},
		"one part is behind":  {store.Pending, []store.Reply{sent("read"), {State: store.Sending}, {State: store.Planned}}, nil, "planned", nil},
		"sent, no status yet": {store.Done, []store.Reply{sent("none")}, nil, "sent", nil},
		"sent":                {store.Done, []store.Reply{sent("sent")}, nil, "sent", nil},
		"a status to come":    {store.Done, []store.Reply{sent("new")}, nil, "sent", nil},
		"delivered":           {store.Done, []store.Reply{sent("delivered"), sent("read")}, nil, "delivered", nil},
		"read":                {store.Done, []store.Reply{sent("played"), sent("read")}, nil, "read", nil},
		"delivered in part": {store.Done, []store.Reply{sent("read"), sent("failed")}, nil, "failed", []messageError{
			{"131026", "Meta reported that the message could not be delivered"},
		}},
		"nothing to send": {store.Done, nil, nil, "sent", nil},
		"withheld":        {store.Human, []store.Reply{{State: store.Planned}}, nil, "withheld", nil},
		"dead letter": {store.Dead, []store.Reply{{State: store.Planned}}, []store.Failure{
			{Class: "rate_limited", Text: "wait"}, {Class: "permanent", Code: "131047", Text: "no"},
		}, "failed", []messageError{{"rate_limited", "wait"}, {"131047", "no"}}},
		"skipped":   {store.Skipped, nil, []store.Failure{{Class: "skipped", Code: "answered", Text: "late"}}, "failed", []messageError{{"answered", "late"}}},
		"discarded": {store.Discarded, nil, nil, "failed", nil},
	} {
		f := newFixture(t, nil)
		record := store.Record{Work: store.Work{
			Event:   store.Event{Kind: store.KindOutbound, State: c.state, PhoneNumberID: number},
			Replies: c.replies,
		}, Failures: c.failures}
		f.api.Store = recordStore{
			Store:    f.store,
			record:   record,
			statuses: statuses,
		}

		got := f.call(assistantKey, http.MethodGet, "/v1/messages/9f86d081884c7d659a2feaa0c55ad015", "")
		f.want(got, http.StatusOK, "")

		var body struct {
			ID, State string
			Errors    []messageError
		}
		if err := json.Unmarshal([]byte(got.raw), &body); err != nil {
			t.Fatal(err)
		}

		want := c.errors
		if want == nil {
			want = []messageError{}
		}

		if diff := cmp.Diff(want, body.Errors); body.State != c.want || diff != "" {
			t.Errorf("%s: state %s, want %s; errors (-want +got):\n%s", name, body.State, c.want, diff)
		}
	}
}

// TestStateOfOtherEvents shows that the API shows the events of its own requests only, and for as long as they are kept.
func TestStateOfOtherEvents(t *testing.T) {
	f := newFixture(t, nil)
	question := f.receive(ana, "wamid.1")
	f.want(f.call(deskKey, http.MethodGet, "/v1/messages/"+question.String(), ""), http.StatusNotFound, "unknown_message")

	accepted := f.send(strings.Replace(`{"conversation_key":"106540352242922:573009999999","response":template}`,
		"template", `{"type":"template","name":"n","language":"es"}`, 1))
	path := "/v1/messages/" + accepted.body["id"].(string)
	f.want(f.call(deskKey, http.MethodGet, path, ""), http.StatusOK, "")
	f.finish(f.record(accepted).Event.ID)
	f.want(f.call(deskKey, http.MethodGet, path, ""), http.StatusOK, "")

	if _, err := f.store.Purge(t.Context(), store.Expiry{Payloads: now.Add(time.Hour), Events: now.Add(time.Hour)}, 100); err != nil {
		t.Fatal(err)
	}

	f.want(f.call(deskKey, http.MethodGet, path, ""), http.StatusNotFound, "unknown_message")
}
