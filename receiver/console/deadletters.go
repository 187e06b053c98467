// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// deadLetterPage is the data of the page of events that were not answered, by cause.
type deadLetterPage struct {
	State  store.State
	States []store.State
	Causes []consoleapi.Cause
	Total  int64
	IsCut  bool // there may be further causes, so that Total is the least
	Jobs   []consoleapi.Job
	// ExpireAt is when the oldest dead letter or quarantined event is purged; nil if that is unknown, or there is none.
	ExpireAt *time.Time
}

func (c *console) deadLetters(v *view) error { return c.showDeadLetters(v, http.StatusOK) }

func (c *console) showDeadLetters(v *view, status int) error {
	state := store.State(v.Query("state"))
	if !slices.Contains(store.Replayable, state) {
		state = store.Dead
	}

	causes, err := Get[consoleapi.CauseList](v.request.Context(), v.api, "/dead-letters/causes", url.Values{"state": {string(state)}})
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
		Total:  causes.Total(),
		IsCut:  causes.IsCut(),
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

// ofJob returns the refusal of a job in words: the API answers with the job that runs, or with the failed one.
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
