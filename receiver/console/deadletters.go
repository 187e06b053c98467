// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// selectionKeys are the parameters that select events for a replay or a discard of many.
var selectionKeys = []string{"state", "number", "code", "type", "kind"}

// deadLetterPage is the data of the page of events that were not answered, by cause.
type deadLetterPage struct {
	State  store.State
	States []store.State
	Causes []consoleapi.Cause
	Total  int64
	Jobs   []consoleapi.Job
	// ExpireAt is when the oldest dead letter or quarantined event is purged; nil if that is unknown, or there is none.
	ExpireAt *time.Time
}

// causeList is the answer of the API about causes.
type causeList struct {
	Causes []consoleapi.Cause `json:"causes"`
}

// total returns the number of events.
func (l causeList) total() int64 {
	var n int64
	for _, cause := range l.Causes {
		n += cause.Count
	}

	return n
}

func (c *console) deadLetters(v *view) error { return c.showDeadLetters(v, http.StatusOK) }

func (c *console) showDeadLetters(v *view, status int) error {
	state := store.State(v.Query("state"))
	if !slices.Contains(store.Replayable, state) {
		state = store.Dead
	}

	causes, err := Get[causeList](v.request.Context(), v.api, "/dead-letters/causes", url.Values{"state": {string(state)}})
	if err != nil {
		return err
	}

	jobs, err := Get[struct {
		Jobs []consoleapi.Job `json:"jobs"`
	}](v.request.Context(), v.api, "/jobs", nil)
	if err != nil {
		return err
	}

	page := deadLetterPage{
		State:  state,
		States: store.Replayable,
		Causes: causes.Causes,
		Jobs:   jobs.Jobs[:min(len(jobs.Jobs), 5)],
		Total:  causes.total(),
	}

	if state == store.Dead || state == store.Quarantined {
		report, err := Get[health.Report](v.request.Context(), v.api, "/status", nil)
		if err != nil {
			return err
		}

		if report.Backlog != nil {
			page.ExpireAt = report.DeadLettersExpireAt
		}
	}

	v.render(status, "dead-letters", page)

	return nil
}

// changeSelected replays or discards all events of a cause, as a job, and shows its progress.
func (c *console) changeSelected(v *view) error {
	act := v.request.PathValue("act")
	if act != "replay" && act != "discard" {
		return &apiError{status: http.StatusNotFound, text: v.T("There is no such action.")}
	}

	query := v.selection()
	v.shown.RawQuery = url.Values{"state": query["state"]}.Encode() // else a refusal shows the dead letters

	if act == "discard" && !v.isConfirmed() {
		return v.askDiscard(query)
	}

	if expected := v.request.PostFormValue(consoleapi.ExpectKey); expected != "" {
		query.Set(consoleapi.ExpectKey, expected)
	}

	job, err := call[consoleapi.Job](v.request.Context(), v.api, http.MethodPost, "/dead-letters/"+act, query)
	if grown, ok := grownTo(err); ok {
		v.Notice = v.T("There are more of them now. Nothing was discarded.")
		v.ask(http.StatusConflict, v.discardQuestion(grown))

		return nil
	}

	if err != nil {
		return v.refused(v.ofJob(err), func(status int) error { return c.showDeadLetters(v, status) })
	}

	http.Redirect(v.writer, v.request, v.Home()+"/jobs/"+url.PathEscape(job.ID), http.StatusSeeOther) //nolint:gosec // a local path

	return nil
}

// selection returns the query that selects the events of a form. A field that is there and empty selects the events without
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

// askDiscard asks before a discard of many, with their number.
func (v *view) askDiscard(query url.Values) error {
	found, err := Get[causeList](v.request.Context(), v.api, "/dead-letters/causes", query)
	if err != nil {
		return err
	}

	v.ask(http.StatusOK, v.discardQuestion(found.total()))

	return nil
}

// discardQuestion returns the question before a discard. The answer to it holds for no more events than it names.
func (v *view) discardQuestion(count int64) confirmation {
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

	return question
}

// grownTo returns how many events are selected now, if the API refused an act because these are more than were expected.
func grownTo(err error) (int64, bool) {
	known, ok := errors.AsType[*apiError](err)
	if !ok || known.status != http.StatusConflict {
		return 0, false
	}

	var body consoleapi.Grown
	if json.Unmarshal([]byte(known.text), &body) != nil || body.Grown == 0 {
		return 0, false
	}

	return body.Grown, true
}

// ofJob returns the refusal of a job in words: the API answers with the job that runs, or with the one that failed.
func (v *view) ofJob(err error) error {
	known, ok := errors.AsType[*apiError](err)

	var job consoleapi.Job
	if !ok || json.Unmarshal([]byte(known.text), &job) != nil {
		return err
	}

	if job.State == consoleapi.JobRunning {
		return &apiError{status: known.status, text: v.T("A job of this kind runs already: %d events so far.", job.Done)}
	}

	return &apiError{status: known.status, text: job.Error}
}

// job shows the progress of a job.
func (c *console) job(v *view) error { return c.showJob(v, http.StatusOK) }

func (c *console) showJob(v *view, status int) error {
	job, err := Get[consoleapi.Job](v.request.Context(), v.api, v.jobPath(), nil)
	if err != nil {
		return err
	}

	v.render(status, "job", shownJob{Job: job})

	return nil
}

// shownJob is a job, and what became of the events that it replayed.
type shownJob struct{ consoleapi.Job }

// Answered returns how many of the replayed events ended well.
func (j shownJob) Answered() int64 { return j.States[store.Done] }

// Waiting returns how many are not finished.
func (j shownJob) Waiting() int64 { return j.States[store.Pending] }

// DeadAgain returns how many are dead letters again.
func (j shownJob) DeadAgain() int64 { return j.States[store.Dead] }

// Others returns how many have another state, or were replayed by a later job.
func (j shownJob) Others() int64 {
	return max(0, j.Done-j.Answered()-j.Waiting()-j.DeadAgain())
}

// changeJob cancels a job, the only act on it.
func (c *console) changeJob(v *view) error {
	if v.request.PathValue("act") != "cancel" {
		return &apiError{status: http.StatusNotFound, text: v.T("There is no such action.")}
	}

	if _, err := call[any](v.request.Context(), v.api, http.MethodDelete, v.jobPath(), nil); err != nil {
		return v.refused(err, func(status int) error { return c.showJob(v, status) })
	}

	return v.redirect(v.Home()+v.jobPath(), "cancel")
}

func (v *view) jobPath() string { return "/jobs/" + url.PathEscape(v.request.PathValue("job")) }
