// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package messagesapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestAnswerToAQuestion(t *testing.T) {
	f := newFixture(t, nil)
	question := f.receive(ana, "wamid.1")
	body := `{"in_reply_to":"` + question.String() + `","response":"hi","conversation_id":"c-1"}`

	accepted := f.send(body)
	f.want(accepted, http.StatusAccepted, "")

	if accepted.body["state"] != "stored" {
		t.Errorf("answered %s, want the state stored", accepted.raw)
	}

	event := f.record(accepted).Event
	if event.Kind != store.KindOutbound || event.State != store.Pending || event.Lane != number+":"+ana {
		t.Errorf("stored %+v, want a pending outbound message of ana's conversation", event)
	}

	m, err := outbound.Decode(event.Payload)
	if err != nil {
		t.Fatal(err)
	}

	message, err := m.Item.Message()
	if err != nil {
		t.Fatal(err)
	}

	if m.Role != outbound.Assistant || m.Question != question.String() || !m.AskedAt.Equal(now) || message.ID != "wamid.1" {
		t.Errorf("stored %+v, want an answer of the assistant to wamid.1", m)
	}

	if diff := cmp.Diff(body, string(m.Body)); diff != "" {
		t.Errorf("stored body (-want +got):\n%s", diff)
	}

	if !f.has(outbound.AnsweredID(question, 0)) {
		t.Error("the question does not count as answered")
	}

	if !slices.Contains(f.woken, store.Conversations) {
		t.Error("the engine was not woken")
	}
}

// TestNamesOfConversations posts each form of a conversation_id that an answer may have.
func TestNamesOfConversations(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	for _, name := range []string{`"c-1"`, `""`, `null`, `7`, `12345678901234567890`, `"` + strings.Repeat("x", 256) + `"`} {
		f.want(f.send(strings.Replace(toAna, "{", `{"conversation_id":`+name+`,`, 1)), http.StatusAccepted, "")
	}
}

func TestMoreFollows(t *testing.T) {
	f := newFixture(t, nil)
	question := f.receive(ana, "wamid.1")
	f.want(f.send(`{"in_reply_to":"`+question.String()+`","response":"a moment","final":false}`), http.StatusAccepted, "")

	if f.has(outbound.AnsweredID(question, 0)) {
		t.Error("the question counts as answered, although more follows")
	}

	f.want(f.send(`{"in_reply_to":"`+question.String()+`","response":null}`), http.StatusAccepted, "")

	if !f.has(outbound.AnsweredID(question, 0)) {
		t.Error("the question does not count as answered, although the AI has nothing more to say")
	}
}

func TestAddressees(t *testing.T) {
	const (
		template = `"response":{"type":"template","name":"n","language":"es"}`
		text     = `"response":"hi"`
	)

	f := newFixture(t, nil)
	question := f.receive(ana, "wamid.1").String()
	f.receive("CO.1349", "wamid.2")
	f.receiveRaw(`{"from":"573009999999","from_user_id":"CO.9","id":"wamid.3","type":"text","text":{"body":"both"}}`)
	nameless := f.receiveRaw(`{"id":"wamid.4","type":"text","text":{"body":"who am I?"}}`).String()
	f.receiveRaw(`{"from":"573001234567","group_id":"family","id":"wamid.5","type":"text","text":{"body":"all"}}`)
	answered := f.send(`{"conversation_key":"` + number + `:` + ana + `",` + text + `}`).body["id"].(string)

	for name, c := range map[string]struct {
		body   string
		status int
		code   string
		to     string // part of the stored item
	}{
		"a question":                  {`{"in_reply_to":"` + question + `",` + text + `}`, 202, "", `"from":"573001234567"`},
		"both, of one conversation":   {`{"in_reply_to":"` + question + `","conversation_key":"106540352242922:573001234567",` + text + `}`, 202, "", ""},
		"both, of two":                {`{"in_reply_to":"` + question + `","conversation_key":"106540352242922:CO.1349",` + text + `}`, 400, "bad_request", ""},
		"a number":                    {`{"conversation_key":"106540352242922:573001234567",` + text + `}`, 202, "", `"id":"wamid.1"`},
		"a user id":                   {`{"conversation_key":"106540352242922:CO.1349",` + text + `}`, 202, "", `"from_user_id":"CO.1349"`},
		"the other name of a person":  {`{"conversation_key":"106540352242922:CO.9",` + text + `}`, 202, "", `"from":"573009999999"`},
		"a group":                     {`{"conversation_key":"106540352242922:group:family",` + text + `}`, 202, "", `"group_id":"family"`},
		"a stranger, by template":     {`{"conversation_key":"106540352242922:573007777777",` + template + `}`, 202, "", `"from":"573007777777"`},
		"a stranger, by text":         {`{"conversation_key":"106540352242922:573008888888",` + text + `}`, 422, "window_closed", ""},
		"a group that never wrote":    {`{"conversation_key":"106540352242922:group:other",` + template + `}`, 404, "unknown_conversation", ""},
		"another number":              {`{"conversation_key":"106540352242923:573001234567",` + template + `}`, 404, "unknown_number", ""},
		"no key":                      {`{"conversation_key":"ana",` + template + `}`, 400, "bad_request", ""},
		"an unknown event":            {`{"in_reply_to":"9f86d081884c7d659a2feaa0c55ad015",` + text + `}`, 404, "unknown_event", ""},
		"a message of ours":           {`{"in_reply_to":"` + answered + `",` + text + `}`, 404, "unknown_event", ""},
		"a message without a sender":  {`{"in_reply_to":"` + nameless + `",` + text + `}`, 404, "unknown_event", ""},
		"an id of another form":       {`{"in_reply_to":"wamid.1",` + text + `}`, 400, "bad_request", ""},
		"a stranger, both in a list":  {`{"conversation_key":"106540352242922:573008888888","response":["hi",{"type":"template","name":"n","language":"es"}]}`, 422, "window_closed", ""},
		"a stranger, with a handoff":  {`{"conversation_key":"106540352242922:573008888888","handoff":{"reason":"r"}}`, 202, "", ""},
		"a stranger, text of handoff": {`{"conversation_key":"106540352242922:573008888888","handoff":{"text":"r"}}`, 422, "window_closed", ""},
	} {
		got := f.send(c.body)
		if got.status != c.status || c.code != "" && got.code() != c.code {
			t.Errorf("%s: answered %d %s, want %d %s", name, got.status, got.raw, c.status, c.code)
		} else if got.status == http.StatusAccepted && !strings.Contains(string(f.record(got).Event.Payload), c.to) {
			t.Errorf("%s: stored %s, want it to contain %s", name, f.record(got).Event.Payload, c.to)
		}
	}
}

func TestAnswerAfterThePayloadWasPurged(t *testing.T) {
	f := newFixture(t, nil)
	question := f.receive(ana, "wamid.1")
	f.finish(question)

	if _, err := f.store.Purge(t.Context(), store.Expiry{Payloads: now.Add(time.Hour), Events: now.Add(-time.Hour)}, 100); err != nil {
		t.Fatal(err)
	}

	accepted := f.send(`{"in_reply_to":"` + question.String() + `","response":"hi"}`)
	f.want(accepted, http.StatusAccepted, "")

	payload := string(f.record(accepted).Event.Payload)
	if !strings.Contains(payload, `"from":"573001234567"`) || strings.Contains(payload, `"question"`) {
		t.Errorf("stored %s, want a message to ana that quotes nothing", payload)
	}
}

// finish ends an event as the engine does.
func (f *fixture) finish(id store.ID) {
	f.t.Helper()

	leases, err := f.store.Claim(f.t.Context(), store.Conversations, f.clock.Now(), f.clock.Now().Add(time.Minute), 10)
	if err != nil {
		f.t.Fatal(err)
	}

	for _, lease := range leases {
		if lease.Work.Event.ID != id {
			continue
		}

		step := store.Step{Now: f.clock.Now(), Outcome: &store.Outcome{State: store.Done}}
		if _, err := f.store.Advance(f.t.Context(), lease.LeaseRef, id, step); err != nil {
			f.t.Fatal(err)
		}
	}
}

func TestRepetitions(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	body := `{"conversation_key":"106540352242922:573001234567","response":"hi"}`
	first := f.send(body, "Idempotency-Key", "1")
	f.want(first, http.StatusAccepted, "")

	again := f.send(body, "Idempotency-Key", "1")
	f.want(again, http.StatusOK, "")

	if again.header.Get("Idempotency-Replayed") != "true" || again.body["id"] != first.body["id"] {
		t.Errorf("answered %s with %v, want the id of the first and Idempotency-Replayed", again.raw, again.header)
	}

	if first.header.Get("Idempotency-Replayed") != "" {
		t.Error("the first request counts as a repetition")
	}

	f.want(f.send(strings.Replace(body, "hi", "ho", 1), "Idempotency-Key", "1"), http.StatusConflict, "idempotency_key_reused")
	f.want(f.send(body+" ", "Idempotency-Key", "1"), http.StatusConflict, "idempotency_key_reused")
	f.want(f.send(body, "Idempotency-Key", ""), http.StatusBadRequest, "bad_request")
	f.want(f.send(body, "Idempotency-Key", strings.Repeat("x", 256)), http.StatusBadRequest, "bad_request")
	f.want(f.send(body, "Idempotency-Key", strings.Repeat("x", 255)), http.StatusAccepted, "")

	// A repetition is recognized although the message could not be sent now.
	f.clock.Advance(25 * time.Hour)
	f.want(f.send(body, "Idempotency-Key", "1"), http.StatusOK, "")
	f.want(f.send(body, "Idempotency-Key", "2"), http.StatusUnprocessableEntity, "window_closed")
}

func TestConcurrentRepetitionsAreStoredOnce(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	var (
		calls    sync.WaitGroup
		mu       sync.Mutex
		statuses []int
	)
	for range 16 {
		calls.Go(func() {
			got := f.send(`{"conversation_key":"106540352242922:573001234567","response":"hi"}`, "Idempotency-Key", "1")

			mu.Lock()
			defer mu.Unlock()

			statuses = append(statuses, got.status)
		})
	}

	calls.Wait()
	slices.Sort(statuses)

	want := append(slices.Repeat([]int{http.StatusOK}, 15), http.StatusAccepted)
	if diff := cmp.Diff(want, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}

	history, err := f.store.History(t.Context(), number+":"+ana, 0, time.Time{}, 10)
	if err != nil || len(history) != 2 {
		t.Errorf("%d events are stored, error %v, want the message and one answer", len(history), err)
	}
}

func TestWindow(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	const key = `"conversation_key":"106540352242922:573001234567"`

	f.clock.Advance(24*time.Hour - time.Minute)
	f.want(f.send(`{`+key+`,"response":"hi"}`), http.StatusAccepted, "")
	f.clock.Advance(2 * time.Minute)

	closed := f.send(`{` + key + `,"response":"hi"}`)
	f.want(closed, http.StatusUnprocessableEntity, "window_closed")

	if want := now.Add(24 * time.Hour).Format(time.RFC3339); closed.body["closed_at"] != want {
		t.Errorf("closed_at is %v, want %s", closed.body["closed_at"], want)
	}

	f.want(f.send(`{`+key+`,"response":{"type":"template","name":"n","language":"es"}}`), http.StatusAccepted, "")

	stranger := f.send(`{"conversation_key":"106540352242922:573009999999","response":"hi"}`)
	if closedAt, has := stranger.body["closed_at"]; !has || closedAt != nil {
		t.Errorf("closed_at for a stranger is %v, want null", closedAt)
	}

	f.receive(ana, "wamid.2")
	f.want(f.send(`{`+key+`,"response":"hi"}`), http.StatusAccepted, "")
}

func TestPeopleHaveTheConversation(t *testing.T) {
	f := newFixture(t, func(c *config.Config, _ *config.Secrets) { c.Processing.HandoffDuration = time.Hour })
	question := f.receive(ana, "wamid.1")
	send := func(key, more string) reply {
		return f.call(key, http.MethodPost, "/v1/messages", `{"in_reply_to":"`+question.String()+`","response":"hi"`+more+`}`)
	}

	f.want(send(assistantKey, `,"handler":"human"`), http.StatusForbidden, "desk_only")
	f.want(send(deskKey, `,"handler":"human"`), http.StatusAccepted, "")

	refused := send(assistantKey, "")
	f.want(refused, http.StatusConflict, "handed_off")

	if want := now.Add(time.Hour).Format(time.RFC3339); refused.body["until"] != want {
		t.Errorf("until is %v, want %s", refused.body["until"], want)
	}

	f.want(send(deskKey, ""), http.StatusAccepted, "")
	f.want(send(assistantKey, ""), http.StatusConflict, "handed_off")

	returned := send(deskKey, `,"handler":"ai"`)
	f.want(returned, http.StatusAccepted, "")

	if got := f.record(returned).Event.Type; got != string(outbound.Desk) {
		t.Errorf("the message of the desk is of type %s", got)
	}

	f.want(send(assistantKey, ""), http.StatusAccepted, "")
}

func TestContentIsChecked(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	for name, c := range map[string]struct {
		response string
		status   int
		message  string // part of the answer
	}{
		"a text":             {`"hi"`, 202, ""},
		"an unknown type":    {`["a",{"type":"mother"}]`, 400, "message 2 is of a type that is not known"},
		"a text of a list":   {`{"type":"text","text":[7]}`, 400, "text has an unexpected JSON type"},
		"too many messages":  {`[` + strings.Repeat(`"a",`, 60) + `"b"]`, 400, "more than 50 messages"},
		"too many cards":     {`{"type":"carousel","text":"t","cards":[` + strings.Repeat(`{"text":"c","url":"https://a.example"},`, 20) + `null]}`, 400, ""},
		"no link":            {`{"type":"image","url":"/etc/mother"}`, 400, "not an absolute https URL"},
		"an empty text":      {`{"type":"cta_url","text":"","url":"https://a.example"}`, 400, "is empty"},
		"nothing":            {`null`, 400, "nothing would be sent"},
		"a reaction to none": {`{"type":"reaction","emoji":"x"}`, 400, "nothing would be sent"},
	} {
		got := f.send(`{"conversation_key":"106540352242922:573001234567","response":` + c.response + `}`)
		if got.status != c.status || got.status == 400 && got.code() != "bad_content" || !strings.Contains(got.raw, c.message) {
			t.Errorf("%s: answered %d %s, want %d %q", name, got.status, got.raw, c.status, c.message)
		}

		if strings.Contains(got.raw, "mother") {
			t.Errorf("%s: the answer repeats the content: %s", name, got.raw)
		}
	}
}

func TestRequestsAreChecked(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	const key = `"conversation_key":"106540352242922:573001234567"`

	for name, c := range map[string]struct{ body, message string }{
		"nothing":                {``, "not JSON"},
		"not JSON":               {`{` + key, "not JSON"},
		"more than one value":    {`{} {}`, "not JSON"},
		"a list":                 {`[]`, "not a JSON object"},
		"not UTF-8":              {"{" + key + `,"response":"` + "\xff" + `"}`, "not UTF-8"},
		"a misspelled key":       {`{"inReplyTo":"x","response":"a"}`, "a key that is not known"},
		"another case":           {`{"Response":"x",` + key + `}`, "a key that is not known"},
		"a key twice":            {`{` + key + `,` + key + `,"response":"a"}`, "conversation_key is there twice"},
		"to nobody":              {`{"response":"a"}`, "to whom: give in_reply_to or conversation_key"},
		"to null":                {`{"in_reply_to":null,"response":"a"}`, "to whom"},
		"to a number":            {`{"in_reply_to":7,"response":"a"}`, "in_reply_to is not a string"},
		"nothing to say":         {`{` + key + `}`, "what: give response, handoff or both"},
		"final without question": {`{` + key + `,"response":"a","final":true}`, "final is about the answer to a question"},
		"final of another type":  {`{` + key + `,"response":"a","final":"yes"}`, "final is not true or false"},
		"another handler":        {`{` + key + `,"response":"a","handler":"robot"}`, "handler is not ai or human"},
		"a list as its name":     {`{` + key + `,"response":"a","conversation_id":["mother"]}`, "conversation_id is not a string or a number"},
		"a long number as name":  {`{` + key + `,"response":"a","conversation_id":1` + strings.Repeat("0", 256) + `}`, "more than 256 bytes"},
		"a long conversation_id": {`{` + key + `,"response":"a","conversation_id":"` + strings.Repeat("x", 257) + `"}`, "more than 256 bytes"},
	} {
		got := f.send(c.body)
		if got.status != http.StatusBadRequest || got.code() != "bad_request" || !strings.Contains(got.raw, c.message) {
			t.Errorf("%s: answered %d %s, want 400 %q", name, got.status, got.raw, c.message)
		}
	}

	large := `{` + key + `,"response":"` + strings.Repeat("x", 1<<20) + `"}`
	f.want(f.send(large), http.StatusRequestEntityTooLarge, "too_large")
	f.want(f.send(`{}`, "Content-Encoding", "gzip"), http.StatusBadRequest, "bad_request")
}

// TestBacklog posts more messages to one conversation than may wait. Other conversations go on.
func TestBacklog(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")
	f.receive("CO.1349", "wamid.2")

	for range maxWaiting {
		f.want(f.send(toAna), http.StatusAccepted, "")
	}

	refused := f.send(toAna)
	f.want(refused, http.StatusTooManyRequests, "too_many_requests")

	if refused.header.Get("Retry-After") == "" {
		t.Error("the answer has no Retry-After")
	}

	f.want(f.send(toAna, "Idempotency-Key", "key-1"), http.StatusOK, "")
	f.want(f.send(strings.Replace(toAna, ana, "CO.1349", 1)), http.StatusAccepted, "")
}

// statsStore is a store with many pending events.
type statsStore struct {
	Store

	pending int64
}

// Stats implements store.Maintenance.
func (s *statsStore) Stats(context.Context, time.Time) (store.Stats, error) {
	return store.Stats{Pending: s.pending}, nil
}

func TestBacklogOfAllConversations(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	loaded := &statsStore{Store: f.store, pending: maxPending}
	f.api.Store = loaded

	f.want(f.send(toAna), http.StatusTooManyRequests, "too_many_requests")

	loaded.pending--

	f.want(f.send(toAna), http.StatusTooManyRequests, "too_many_requests")
	f.clock.Advance(statsAge)
	f.want(f.send(toAna), http.StatusAccepted, "")
}

// brokenStore is a store that takes no events.
type brokenStore struct {
	Store

	err error
}

// Ingest implements store.Inbox.
func (s brokenStore) Ingest(context.Context, []store.Event) ([]bool, error) { return nil, s.err }

// lockedStore is a store that cannot decrypt what was stored before.
type lockedStore struct{ Store }

// History implements store.Events.
func (lockedStore) History(context.Context, string, int64, time.Time, int) ([]store.Record, error) {
	return nil, fmt.Errorf("read an event: %w: key 0a1b2c3d is missing", store.ErrKey)
}

func TestMissingKeyOfTheNewestMessage(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")
	f.api.Store = lockedStore{f.store}
	f.want(f.send(toAna), http.StatusAccepted, "")
}

func TestStoreFailures(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	for err, message := range map[error]string{
		store.ErrDiskFull:        "the disk of the store is nearly full",
		store.ErrBusy:            "the store is unavailable",
		context.DeadlineExceeded: "the store is unavailable",
		errors.New("573001234567 cannot be written"): "the store is unavailable",
	} {
		f.api.Store = brokenStore{Store: f.store, err: err}

		got := f.send(toAna)
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || got.body["message"] != message {
			t.Errorf("%v: answered %d %s, want 503, Retry-After and %q", err, got.status, got.raw, message)
		}
	}

	f.api.Store = f.store
	f.want(f.send(toAna, "Idempotency-Key", "key-1"), http.StatusAccepted, "")
}

// TestCallerThatDisconnectsIsNoFailure checks that the log has no failure of the store if its call was canceled.
func TestCallerThatDisconnectsIsNoFailure(t *testing.T) {
	f := newFixture(t, nil)
	f.receive(ana, "wamid.1")

	for err, isFailure := range map[error]bool{
		fmt.Errorf("store events: %w", context.Canceled): false,
		context.DeadlineExceeded:                         true,
	} {
		f.log.Reset()
		f.api.Store = brokenStore{Store: f.store, err: err}
		f.send(toAna)

		if log := f.log.String(); strings.Contains(log, "level=ERROR") != isFailure {
			t.Errorf("%v: the log has %q, want a failure: %t", err, log, isFailure)
		}
	}
}

func TestTooManyRequestsAtOnce(t *testing.T) {
	f := newFixture(t, nil)
	for range maxInFlight {
		f.api.inFlight <- struct{}{}
	}

	f.want(f.send(toAna), http.StatusTooManyRequests, "too_many_requests")
}

func FuzzParseMessage(f *testing.F) {
	for _, seed := range []string{
		toAna,
		toAnaAsTwo,
		`{"in_reply_to":"9f86d081884c7d659a2feaa0c55ad015","response":["a",{"type":"list"}],"final":false}`,
		`{"conversation_key":"1:2","response":null,"handoff":{"reason":"r"},"conversation_id":"c","quick_replies":["a"]}`,
		`{"conversation_key":"1:2","conversation_key":"1:2"}`,
		`{"response":{"response":{}}}`,
		`[]`,
		`{"in_reply_to"`,
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseMessage(body)
		if err == nil {
			if m.inReplyTo == nil && m.conversationKey == "" && !bytes.Contains(body, []byte(`conversation_key`)) {
				t.Error("the message has no addressee")
			}

			return
		}

		p, ok := errors.AsType[*problem](err)
		if !ok || p.status != http.StatusBadRequest || p.code != "bad_request" && p.code != "bad_content" {
			t.Errorf("error = %v, want a problem with status 400", err)
		}

		if !utf8.ValidString(p.message) || len(p.message) > 300 {
			t.Errorf("the message is not a short text: %q", p.message)
		}
	})
}
