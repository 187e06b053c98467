// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// selectionKeys are the parameters that select events for a replay or a discard of many.
var selectionKeys = []string{"state", "number", "code", "type", "kind"}

// changeSelected replays or discards all events of a cause, as a job, and shows its progress.
func (c *console) changeSelected(v *view) error {
	act := v.request.PathValue("act")
	if act != "replay" && act != "discard" {
		return &apiError{status: http.StatusNotFound, text: v.T("There is no such action.")}
	}

	query := v.selection()
	v.shown.RawQuery = url.Values{"state": query["state"]}.Encode() // else a refusal shows the dead letters

	if act == "discard" && !v.isConfirmed() {
		return v.askDiscard(http.StatusOK, query)
	}

	if expected := v.request.PostFormValue(consoleapi.ExpectKey); expected != "" {
		query.Set(consoleapi.ExpectKey, expected)
	}

	job, err := v.startJob(act, query)
	if hasGrown(err) {
		v.Notice = v.T("There are more of them now. Nothing was discarded.")

		query.Del(consoleapi.ExpectKey)

		return v.askDiscard(http.StatusConflict, query)
	}

	if err != nil {
		return v.refused(v.ofJob(err), func(status int) error { return c.showDeadLetters(v, status) })
	}

	http.Redirect(v.writer, v.request, v.Home()+"/jobs/"+url.PathEscape(job.ID), http.StatusSeeOther) //nolint:gosec // a local path

	return nil
}

// selection returns the query that selects the events of a form. A field that is present and empty selects the events without
// a value: without the parameter, those of every number or code would be changed.
func (v *view) selection() url.Values {
	query := url.Values{}

	for _, key := range selectionKeys {
		value := v.request.PostFormValue(key)
		if _, ok := v.request.PostForm[key]; ok {
			query.Set(key, cmp.Or(value, store.None))
		}
	}

	return query
}

// errGrown is the error of an act that the console itself refused, since more events are selected than were expected.
var errGrown = errors.New("more events are selected than expected")

// startJob starts the job that replays or discards the events of a query. A receiver of an older version does not know how many
// a person agreed to: then they are counted again here, and changed if they have not become more.
func (v *view) startJob(act string, query url.Values) (consoleapi.Job, error) {
	path := "/dead-letters/" + act

	job, err := call[consoleapi.Job](v.request.Context(), v.api, http.MethodPost, path, query)
	if !refusesExpected(err) {
		return job, err
	}

	selection := maps.Clone(query)
	selection.Del(consoleapi.ExpectKey)

	found, err := Get[consoleapi.CauseList](v.request.Context(), v.api, "/dead-letters/causes", selection)
	if err != nil {
		return job, err
	}

	expected, err := strconv.ParseInt(query.Get(consoleapi.ExpectKey), 10, 64)

	switch {
	case err != nil || found.Total() > expected:
		return job, errGrown
	case found.IsCut():
		return job, &apiError{
			status: http.StatusConflict,
			text:   v.T("This receiver has an older version and would discard all of them, also those that were not counted. Discard one cause at a time, or upgrade it."),
		}
	}

	return call[consoleapi.Job](v.request.Context(), v.api, http.MethodPost, path, selection)
}

// refusesExpected reports whether a receiver refused a number of events because its version does not know the parameter.
func refusesExpected(err error) bool {
	known, ok := errors.AsType[*apiError](err)

	return ok && known.status == http.StatusBadRequest && consoleapi.UnknownParameter(known.text) == consoleapi.ExpectKey
}

// askDiscard asks before a discard of many, with their number.
func (v *view) askDiscard(status int, query url.Values) error {
	found, err := Get[consoleapi.CauseList](v.request.Context(), v.api, "/dead-letters/causes", query)
	if err != nil {
		return err
	}

	v.ask(status, v.discardQuestion(found))

	return nil
}

// discardQuestion returns the question before a discard. The answer to it holds for no more events than it names.
func (v *view) discardQuestion(found consoleapi.CauseList) confirmation {
	count := found.Total()
	question := confirmation{
		Question:    v.T("Discard these %d events?", count),
		Consequence: v.T("Their senders get no answer."),
		Final:       true,
		Fields:      url.Values{consoleapi.ExpectKey: {strconv.FormatInt(count, 10)}},
	}

	if count == 1 {
		question.Question = v.T("Discard this event?")
		question.Consequence = v.T("The person gets no answer to it.")
	}

	if found.IsCut() {
		question.Question = v.T("Discard %d of at least %d events?", count, count)
		question.Consequence = v.T("Their senders get no answer. They have too many causes to count all, so the others stay: discard them afterwards.")
	}

	return question
}

// hasGrown reports whether an act was refused because more events are selected now than were expected.
func hasGrown(err error) bool {
	known, ok := errors.AsType[*apiError](err)
	if !ok || known.status != http.StatusConflict {
		return errors.Is(err, errGrown)
	}

	var body consoleapi.Grown

	return json.Unmarshal([]byte(known.text), &body) == nil && body.Grown > 0
}
