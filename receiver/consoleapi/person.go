// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/logevent"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/persondata"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// PersonTimeout bounds a request that exports or erases a person, and reads the whole store for it. No request of the pages
// takes longer.
const PersonTimeout = 10 * time.Minute

const personBusy = "the receiver is processing a message of this person: try again in a minute; the data erased so far stays erased"

// eraseIncomplete has the number of erased events and an IncompleteError.
const eraseIncomplete = "not everything is erased: %d events lost their content now, but %v; end the cause and erase again, " +
	"until then the names of the person stay"

const nothingStored = "nothing is stored of this person"

// remains lists the data that an erasure does not reach.
var remains = []string{
	"backups and snapshots of the store, until you delete them",
	"what the AI, its bridge or model, the desk and the sink of notices have received: erase it there",
	"what Meta and the person's own phone keep",
	"rows without content, so that a redelivery does not bring a text back; they go when store.retentionDays, and 8 days at least, are over",
	"the person's conversations with other numbers of yours: erase each",
	"what other persons wrote about this one, such as a contact card",
	"logs hold no phone numbers, names or texts",
	"what Meta reports later about earlier messages, such as a status, is stored again: erase once more after a day",
}

// Erased is the result of an erasure.
type Erased struct {
	Events  int      `json:"events"` // that lost their content now
	Remains []string `json:"remains"`
}

// NotRead is the end of an export that lacks events which the store could not read: some may be of the person.
type NotRead struct {
	Events  int      `json:"events"`
	Reasons []string `json:"reasons"`
}

// erase erases everything stored of a person. It answers 404 only if no app secret decodes the id.
func (a *api) erase(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r) {
		return
	}

	name, ok := a.conversationOf(w, r)
	if !ok {
		return
	}

	// The erasure continues after the client disconnects: a partial erasure would leave more data of the person.
	ctx, cancel := a.long(context.WithoutCancel(r.Context()), w, PersonTimeout)
	defer cancel()

	person, err := persondata.Find(ctx, a.Store, name, a.Clock)
	if err != nil {
		a.fail(w, err, noSuchConversation)
		return
	}

	events, err := person.Erase(ctx)
	incomplete, isIncomplete := errors.AsType[*persondata.IncompleteError](err)

	switch {
	case errors.Is(err, store.ErrInProgress):
		http.Error(w, personBusy, http.StatusConflict)
	case isIncomplete:
		a.wakeAll()
		a.Log.Error("erasure is incomplete", "error", err)
		http.Error(w, fmt.Sprintf(eraseIncomplete, events, incomplete), http.StatusConflict)
	case err != nil:
		a.fail(w, err, noSuchConversation)
	default: // also without events: an erasure is to be repeated, and there may be nothing new
		a.wakeAll()
		answer(w, http.StatusOK, Erased{Events: events, Remains: remains})
	}
}

// long returns a context for a request that may take longer than requestTimeout, and lets the server wait for its answer.
func (a *api) long(ctx context.Context, w http.ResponseWriter, limit time.Duration) (context.Context, context.CancelFunc) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit + time.Minute)) // else the answer is lost

	return context.WithTimeout(ctx, limit)
}

// export answers with everything stored of a person. Events are written as they are found, so that their number does not
// matter. A failure cuts the document off.
func (a *api) export(w http.ResponseWriter, r *http.Request) {
	if !checkQuery(w, r) {
		return
	}

	name, ok := a.conversationOf(w, r)
	if !ok {
		return
	}

	ctx, cancel := a.long(r.Context(), w, PersonTimeout)
	defer cancel()

	person, err := persondata.Find(ctx, a.Store, name, a.Clock)
	if err != nil {
		a.fail(w, err, noSuchConversation)
		return
	}

	var conversation *Conversation

	state, err := a.Store.Conversation(ctx, name)
	if err == nil {
		conversation = new(a.newConversation(ctx, a.ids(), person.Names[0], state, true))
	} else if !errors.Is(err, store.ErrNotFound) {
		a.fail(w, err, noSuchConversation)
		return
	}

	export := &exportWriter{response: w, head: map[string]any{
		"exported_at":  a.Clock.Now().UTC(),
		"names":        person.Names,
		"conversation": conversation,
	}}

	err = person.Each(ctx, func(records []store.FoundRecord) error { return a.exportEvents(ctx, export, person, records) })

	incomplete, isIncomplete := errors.AsType[*persondata.IncompleteError](err)

	switch {
	case isIncomplete:
		a.Log.Error("export is incomplete", "error", err)

		_ = export.end(&NotRead{Events: incomplete.Events, Reasons: incomplete.Reasons})
	case err != nil && !export.begun:
		a.fail(w, err, noSuchConversation)
	case err != nil:
		a.Log.Log(ctx, logevent.AnswerLevel(r.Context(), err), "export interrupted", "error", err)
		panic(http.ErrAbortHandler) // closes the connection, so that the client learns that the document is incomplete
	case !export.begun && conversation == nil:
		http.Error(w, nothingStored, http.StatusNotFound)
	default:
		_ = export.end(nil)
	}
}

// exportEvents writes events with the statuses of their answers, each as far as it is the person's.
func (a *api) exportEvents(ctx context.Context, export *exportWriter, person *persondata.Person, records []store.FoundRecord) error {
	for i := range records {
		detail := &store.EventDetail{Record: records[i].Record}

		var sent []string

		for _, reply := range detail.Replies {
			if reply.MessageID != "" {
				sent = append(sent, reply.MessageID)
			}
		}

		statuses, err := a.Store.Statuses(ctx, detail.Event.PhoneNumberID, sent)
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return err
		}

		detail.Statuses = slices.DeleteFunc(statuses, func(s store.StatusUpdate) bool { return !person.Covers(&s) })

		shown := a.newEventDetail(detail, nil, true)
		shown.Payload, shown.Shared = person.Part(&detail.Event)

		shown.Unread = persondata.Reason(cmp.Or(records[i].Unread, err))

		if err := export.event(shown); err != nil {
			return err
		}
	}

	return nil
}

// exportWriter writes a document with a list of events, one after the other.
type exportWriter struct {
	response http.ResponseWriter
	head     map[string]any
	begun    bool
}

func (w *exportWriter) begin() error {
	w.begun = true

	head, err := json.Marshal(w.head)
	if err != nil {
		return err
	}

	w.response.Header().Set("Content-Type", "application/json")
	w.response.Header().Set("Cache-Control", "no-store")

	_, err = w.response.Write(append(head[:len(head)-1], `,"events":[`...))

	return err
}

func (w *exportWriter) event(e EventDetail) error {
	separator := ","
	if !w.begun {
		if err := w.begin(); err != nil {
			return err
		}

		separator = ""
	}

	encoded, err := json.Marshal(e)
	if err != nil {
		return err
	}

	_, err = w.response.Write(append([]byte(separator+"\n"), encoded...))

	return err
}

func (w *exportWriter) end(rest *NotRead) error {
	if !w.begun {
		if err := w.begin(); err != nil {
			return err
		}
	}

	last := "]"

	if rest != nil {
		encoded, err := json.Marshal(rest)
		if err != nil {
			return err
		}

		last += `,"not_read":` + string(encoded)
	}

	_, err := w.response.Write([]byte(last + "}\n"))

	return err
}
