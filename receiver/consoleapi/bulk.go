// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// bulkBatch is the number of events that one transaction changes, so that deliveries wait for no more.
	bulkBatch = 500
	// bulkWait is how long a call waits for its job, to answer with the result.
	bulkWait = 2 * time.Second
	// A batch that failed is tried again after bulkRetryDelay, bulkTries times at most.
	bulkRetryDelay = time.Second
	bulkTries      = 30
	// batchTimeout bounds one transaction.
	batchTimeout = 30 * time.Second
)

// changeSelected is ReplaySelected or DiscardSelected of the store.
type changeSelected func(
	ctx context.Context,
	selection store.Selection,
	after int64,
	now time.Time,
	limit int,
) (n int, next int64, err error)

// BulkResult is the answer to a bulk call: its job, and the number of changed events under the name of the call.
type BulkResult struct {
	Job

	Replayed  *int64 `json:"replayed,omitempty"`
	Discarded *int64 `json:"discarded,omitempty"`
}

// ExpectKey is the parameter of a bulk call that has the number of events that a person agreed to. The job changes no more.
const ExpectKey = "expect"

// Grown is the answer to a bulk call that selects more events than it expects. Nothing was changed.
type Grown struct {
	Error string `json:"error"` // for people
	Grown int64  `json:"grown"` // the number of events that are selected now; at least as many if they have store.MaxCauses causes
}

func (a *api) replaySelected(w http.ResponseWriter, r *http.Request) {
	a.bulk(w, r, JobReplay, a.Store.ReplaySelected)
}

func (a *api) discardSelected(w http.ResponseWriter, r *http.Request) {
	a.bulk(w, r, JobDiscard, a.Store.DiscardSelected)
}

// bulk starts a job that changes the selected events. It answers 200 with the job if it ends soon, else 202, and 409 with
// the running job if there is one of this kind, or with the number of events if more are selected than expected.
func (a *api) bulk(w http.ResponseWriter, r *http.Request, kind JobKind, change changeSelected) {
	selection, ok := selectionOf(w, r, ExpectKey)
	if !ok {
		return
	}

	expected, err := parseExpected(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}

	planned := Job{ID: rand.Text(), Kind: kind}

	if planned.Total, ok = a.bound(w, r, &selection, expected); !ok {
		return
	}

	selection.Job = planned.ID

	job, ended, started := a.Jobs.start(planned, func(ctx context.Context, update func(func(*Job))) error {
		return a.changeAll(ctx, selection, expected, change, update)
	})
	if !started {
		answer(w, http.StatusConflict, newBulkResult(job))
		return
	}

	job, status := a.await(r.Context(), job, ended)

	location := "/jobs/" + job.ID
	if !isBare(r) {
		location = prefix + location
	}

	w.Header().Set("Location", location)
	answer(w, status, newBulkResult(job))
}

// bound bounds a selection to the events that are stored now, and returns their number, or nil if not all were counted. If
// more events are selected than expected, or the store fails, it answers the request and returns false.
func (a *api) bound(w http.ResponseWriter, r *http.Request, selection *store.Selection, expected int64) (total *int64, ok bool) {
	causes, err := a.Store.Causes(r.Context(), *selection)
	if err != nil {
		a.fail(w, err, noSuchEvent)
		return nil, false
	}

	counted, newest := summarize(causes)

	if counted > expected {
		answer(w, http.StatusConflict, Grown{
			Error: "more events are selected than expected: nothing was changed",
			Grown: counted,
		})

		return nil, false
	}

	if selection.ReceivedBefore.IsZero() {
		selection.ReceivedBefore = later(newest, a.Clock.Now()).Add(time.Millisecond)
	}

	if len(causes) < store.MaxCauses {
		total = &counted
	}

	return total, true
}

// await waits for the end of a job, up to bulkWait. It returns the job and the status of the response.
func (a *api) await(ctx context.Context, job Job, ended <-chan struct{}) (latest Job, status int) {
	status = http.StatusAccepted

	timer := a.Clock.NewTimer(bulkWait)
	defer timer.Stop()

	select {
	case <-ended:
		status = http.StatusOK
	case <-timer.Chan():
	case <-ctx.Done():
	}

	if current, ok := a.Jobs.get(job.ID, false); ok {
		job = current
	}

	if job.State == JobFailed {
		status = http.StatusServiceUnavailable
	}

	return job, status
}

// parseExpected returns how many events a request expects at most.
func parseExpected(query url.Values) (int64, error) {
	if !query.Has(ExpectKey) {
		return math.MaxInt64, nil
	}

	expected, err := strconv.ParseInt(query.Get(ExpectKey), 10, 64)
	if err != nil || expected < 0 {
		return 0, errors.New("expect is not a number of events")
	}

	return expected, nil
}

func newBulkResult(job Job) BulkResult {
	result := BulkResult{Job: job}

	switch job.Kind {
	case JobReplay:
		result.Replayed = &job.Done
	case JobDiscard:
		result.Discarded = &job.Done
	}

	return result
}

// changeAll changes the selected events in batches, in order of arrival, and wakes the engine after each. It ends at the
// expected number: there are more if their causes were too many to be counted, or if others have failed since.
func (a *api) changeAll(
	ctx context.Context,
	selection store.Selection,
	expected int64,
	change changeSelected,
	update func(func(*Job)),
) error {
	left := expected

	for after, tries := int64(0), 0; left > 0; {
		n, next, err := a.changeBatch(ctx, selection, after, int(min(bulkBatch, left)), change)
		if err != nil {
			update(func(job *Job) { job.Failed++ })

			if tries++; tries == bulkTries {
				return err
			}

			if err := a.sleep(ctx, bulkRetryDelay); err != nil {
				return err
			}

			continue
		}

		update(func(job *Job) { job.Done += int64(n) })
		a.wakeAll()

		if next == 0 {
			return nil
		}

		left -= int64(n) // a replay may count more than its limit: the messages that are answered together with one
		after = next
		tries = 0
	}

	return nil
}

// changeBatch changes one batch of up to limit events. The end of ctx interrupts no transaction.
func (a *api) changeBatch(
	ctx context.Context,
	selection store.Selection,
	after int64,
	limit int,
	change changeSelected,
) (n int, next int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, 0, err
	}

	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
	defer cancel()

	return change(ctx, selection, after, a.Clock.Now(), limit)
}

// sleep waits, and returns an error if ctx ends first.
func (a *api) sleep(ctx context.Context, d time.Duration) error {
	timer := a.Clock.NewTimer(d)
	defer timer.Stop()

	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.Chan():
		return nil
	}
}

// summarize returns the number of events with the given causes, and the receipt of the newest.
func summarize(causes []store.Cause) (total int64, newest time.Time) {
	for _, cause := range causes {
		total += cause.Count
		newest = later(newest, cause.Last)
	}

	return total, newest
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}

	return b
}
