// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/conversationid"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// noSuchEvent is the answer for an event that does not exist or cannot be replayed.
const noSuchEvent = "no such dead letter"

// DeadLetter is an event in a state of [store.Replayable], such as a dead letter. Lists omit the payload and the replies. The
// payload and the bodies of replies are present only if the request reveals them.
type DeadLetter struct {
	ID            string          `json:"id"`
	Seq           int64           `json:"seq"`
	State         store.State     `json:"state"`
	Kind          store.Kind      `json:"kind"`
	Type          string          `json:"type"`
	PhoneNumberID string          `json:"phone_number_id"`
	Conversation  string          `json:"conversation,omitempty"` // its id
	Person        string          `json:"person,omitempty"`       // masked
	ReceivedAt    time.Time       `json:"received_at"`
	FinishedAt    time.Time       `json:"finished_at"`
	Replays       int             `json:"replays"`
	Failures      []store.Failure `json:"failures"`
	Payload       json.RawMessage `json:"payload,omitempty"`
	Replies       []Reply         `json:"replies,omitempty"`
}

// Reply is a part of an answer that was not sent completely.
type Reply struct {
	Part  int              `json:"part"`
	Type  string           `json:"type"`
	State store.ReplyState `json:"state"`
	Body  json.RawMessage  `json:"body,omitempty"`
}

// newDeadLetter returns the record without its payload and replies.
func newDeadLetter(ids *conversationid.Codec, r store.Record) DeadLetter {
	letter := DeadLetter{
		ID:            r.Event.ID.String(),
		Seq:           r.Seq,
		State:         r.Event.State,
		Kind:          r.Event.Kind,
		Type:          r.Event.Type,
		PhoneNumberID: r.Event.PhoneNumberID,
		ReceivedAt:    r.Event.ReceivedAt,
		FinishedAt:    r.FinishedAt,
		Replays:       r.Replays,
		Failures:      append([]store.Failure{}, r.Failures...), // a list of JSON also without any
	}

	if isConversation(r.Event.Lane, r.Event.PhoneNumberID) {
		letter.Conversation = ids.Encode(r.Event.Lane)
		letter.Person = masked(r.Event.Lane)
	}

	return letter
}

// deadLetters answers with a page of events in the order of arrival, starting after the given seq. next is the seq to continue
// from; the last page has none.
func (a *api) deadLetters(w http.ResponseWriter, r *http.Request) {
	selection, ok := selectionOf(w, r, pageKeys...)
	if !ok {
		return
	}

	after, limit, err := parsePage(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	records, err := a.Store.DeadLetters(r.Context(), selection, after, limit)
	if err != nil {
		a.fail(w, err, noSuchEvent)
		return
	}

	ids := a.ids()
	page := struct {
		DeadLetters []DeadLetter `json:"dead_letters"`
		Next        int64        `json:"next,omitempty"`
	}{DeadLetters: []DeadLetter{}}

	for _, record := range records {
		page.DeadLetters = append(page.DeadLetters, newDeadLetter(ids, record))
	}

	if len(records) == limit {
		page.Next = records[len(records)-1].Seq
	}

	answer(w, http.StatusOK, page)
}

// Cause is a group of events that were not answered for the same reason.
type Cause struct {
	State         store.State `json:"state"`
	PhoneNumberID string      `json:"phone_number_id"`
	Code          string      `json:"code"`
	Count         int64       `json:"count"`
	First         time.Time   `json:"first"`  // receipt of the oldest
	Last          time.Time   `json:"last"`   // receipt of the newest
	Sample        string      `json:"sample"` // id of the newest
}

// CauseList is the answer with the causes of the selected events, the most frequent first.
type CauseList struct {
	Causes []Cause `json:"causes"`
}

// IsCut reports whether there may be further causes.
func (l CauseList) IsCut() bool { return len(l.Causes) >= store.MaxCauses }

// Total returns the number of events with these causes.
func (l CauseList) Total() int64 {
	var n int64
	for _, cause := range l.Causes {
		n += cause.Count
	}

	return n
}

// causes answers with the causes of the selected events, the most frequent first.
func (a *api) causes(w http.ResponseWriter, r *http.Request) {
	selection, ok := selectionOf(w, r)
	if !ok {
		return
	}

	found, err := a.Store.Causes(r.Context(), selection)
	if err != nil {
		a.fail(w, err, noSuchEvent)
		return
	}

	causes := make([]Cause, 0, len(found))
	for _, cause := range found {
		causes = append(causes, Cause{
			State:         cause.State,
			PhoneNumberID: cause.PhoneNumberID,
			Code:          cause.Code,
			Count:         cause.Count,
			First:         cause.First,
			Last:          cause.Last,
			Sample:        cause.Sample.String(),
		})
	}

	answer(w, http.StatusOK, CauseList{Causes: causes})
}

func (a *api) deadLetter(w http.ResponseWriter, r *http.Request) {
	id, ok := eventID(w, r)
	if !ok {
		return
	}

	record, err := a.Store.Get(r.Context(), id)
	if err == nil && !isShown(record) {
		err = store.ErrNotFound
	}

	if err != nil {
		a.fail(w, err, noSuchEvent)
		return
	}

	letter := newDeadLetter(a.ids(), *record)
	if reveals(r) {
		letter.Payload = record.Event.Payload
	}

	for _, reply := range record.Replies {
		shown := Reply{
			Part:  reply.Part,
			Type:  reply.Type,
			State: reply.State,
		}
		if reveals(r) {
			shown.Body = reply.Body
		}

		letter.Replies = append(letter.Replies, shown)
	}

	answer(w, http.StatusOK, letter)
}

// isShown reports whether the console shows an event: those of the list, and messages that were skipped for a reason.
func isShown(record *store.Record) bool {
	isSkippedMessage := record.Event.State == store.Skipped && len(record.Failures) > 0

	return isSkippedMessage || slices.Contains(store.Replayable, record.Event.State)
}

func (a *api) replay(w http.ResponseWriter, r *http.Request) {
	id, ok := eventID(w, r)
	if !ok {
		return
	}

	if err := a.Store.Replay(r.Context(), id, a.Clock.Now()); err != nil {
		a.fail(w, err, noSuchEvent)
		return
	}

	a.Log.Info("dead letter replayed", logevent.EventID, id)
	a.wakeAll()
	answer(w, http.StatusOK, map[string]int{"replayed": 1})
}

func (a *api) discard(w http.ResponseWriter, r *http.Request) {
	id, ok := eventID(w, r)
	if !ok {
		return
	}

	if err := a.Store.Discard(r.Context(), id, a.Clock.Now()); err != nil {
		a.fail(w, err, noSuchEvent)
		return
	}

	a.Log.Info("dead letter discarded", logevent.EventID, id)
	answer(w, http.StatusOK, map[string]int{"discarded": 1})
}

// wakeAll wakes all classes: a replayed event may be a message, a status or a notice.
func (a *api) wakeAll() { a.Wake(store.Conversations, store.Statuses, store.Notices) }

// selectionOf returns the selection of a request, or answers 400. further are known parameters besides.
func selectionOf(w http.ResponseWriter, r *http.Request, further ...string) (store.Selection, bool) {
	query := r.URL.Query()

	err := checkKeys(query, slices.Concat(selectionKeys, further, []string{revealKey})...)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return store.Selection{}, false
	}

	selection, err := parseSelection(query)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return selection, false
	}

	return selection, true
}

func eventID(w http.ResponseWriter, r *http.Request) (store.ID, bool) {
	id, err := store.ParseID(r.PathValue("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return id, false
	}

	return id, true
}
