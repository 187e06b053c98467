// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiverapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
)

// jobInterval is the time between two polls of a job.
const jobInterval = 500 * time.Millisecond

// DeadLetterPage is a page of events that were not answered, in order of arrival. Next is the Seq to continue after; the
// last page has none.
type DeadLetterPage struct {
	DeadLetters []consoleapi.DeadLetter `json:"dead_letters"`
	Next        int64                   `json:"next,omitempty"`
}

// DeadLetters returns a page of the events that were not answered whose Seq is greater than after.
func (c *Client) DeadLetters(ctx context.Context, filter Filter, after int64, limit int) (DeadLetterPage, error) {
	query := filter.query()
	query.Set("limit", strconv.Itoa(limit))

	if after > 0 {
		query.Set("after", strconv.FormatInt(after, 10))
	}

	return get[DeadLetterPage](ctx, c, "/dead-letters", query)
}

// Causes returns the causes of the events that the filter selects.
func (c *Client) Causes(ctx context.Context, filter Filter) (consoleapi.CauseList, error) {
	return get[consoleapi.CauseList](ctx, c, "/dead-letters/causes", filter.query())
}

// DeadLetter returns an event that was not answered.
func (c *Client) DeadLetter(ctx context.Context, id string) (consoleapi.DeadLetter, error) {
	return get[consoleapi.DeadLetter](ctx, c, deadLetterPath(id), nil)
}

// Replay lets the receiver process an event again.
func (c *Client) Replay(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, deadLetterPath(id)+"/replay", nil, nil)
}

// Discard gives an event up.
func (c *Client) Discard(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, deadLetterPath(id), nil, nil)
}

func deadLetterPath(id string) string { return "/dead-letters/" + url.PathEscape(id) }

// GrownError is the error of a job that was not started, since it would change more events than were expected.
type GrownError struct {
	Total int64 // of the events that are selected now
}

// Error returns the error with the number.
func (e *GrownError) Error() string {
	return fmt.Sprintf("%d events are selected now, more than were expected: nothing was changed", e.Total)
}

// Bulk starts the job that replays or discards the events that the filter selects, and calls progress until it has ended. If
// expected is not nil and more events are selected, nothing is changed, and the error is a [GrownError].
func (c *Client) Bulk(
	ctx context.Context,
	kind consoleapi.JobKind,
	filter Filter,
	expected *int64,
	progress func(consoleapi.Job),
) (consoleapi.Job, error) {
	job, err := c.start(ctx, kind, filter, expected)
	if err != nil {
		return job, err
	}

	ticker := time.NewTicker(jobInterval)
	defer ticker.Stop()

	for job.State == consoleapi.JobRunning {
		progress(job)

		select {
		case <-ctx.Done():
			return job, stillRunsError(job)
		case <-ticker.C:
		}

		current, err := get[consoleapi.Job](ctx, c, "/jobs/"+url.PathEscape(job.ID), nil)

		switch {
		case ctx.Err() != nil:
			return job, stillRunsError(job)
		case err != nil:
			return job, unknownJobError(err, job.ID)
		}

		job = current
	}

	if job.State != consoleapi.JobDone {
		return job, output.Failed("Run it again to continue.",
			"the job ended as %s after %d events: %s", job.State, job.Done, job.Error)
	}

	return job, nil
}

// start starts a job. The receiver answers with the job, even if it failed at once, or with the running job of the same
// kind.
func (c *Client) start(ctx context.Context, kind consoleapi.JobKind, filter Filter, expected *int64) (consoleapi.Job, error) {
	query := filter.query()
	if expected != nil {
		query.Set(consoleapi.ExpectKey, strconv.FormatInt(*expected, 10))
	}

	var job consoleapi.Job

	err := c.call(ctx, http.MethodPost, "/dead-letters/"+string(kind), query, &job)

	if isInterrupted(ctx, err) {
		return job, output.Failed(
			"Look at what it changed before you repeat it: GET /v1/jobs on the console port shows the jobs.",
			"interrupted, but the receiver may have begun the %s, which then continues", kind)
	}

	answer, ok := errors.AsType[*StatusError](err)
	if !ok {
		return job, err
	}

	if answer.unknownParameter() == consoleapi.ExpectKey {
		return job, output.Failed(
			"Upgrade the operator, which upgrades the receivers, or pass --yes: the receiver then discards all that is selected at that moment.",
			"the receiver is older than this tool, and cannot check that it discards no more events than you agreed to; nothing was discarded: %w",
			answer)
	}

	var refusal struct {
		consoleapi.Job

		Grown int64 `json:"grown"` // of consoleapi.Grown
	}

	if json.Unmarshal([]byte(answer.Text), &refusal) != nil {
		return job, err
	}

	if refusal.Grown > 0 {
		return job, &GrownError{Total: refusal.Grown}
	}

	job = refusal.Job

	if answer.Status == http.StatusConflict {
		return job, output.Failed("Wait until it has ended.", "a job of this kind runs already: %d events are done", job.Done)
	}

	return job, output.Unreachable("Run it again to go on with the rest.",
		"the job ended as %s after %d events: %s", job.State, job.Done, job.Error)
}

// stillRunsError says that the caller has left while a job runs. It does not wrap the cause: an interrupted command shows no more
// than that.
func stillRunsError(job consoleapi.Job) error {
	return output.Failed(
		"GET /v1/jobs/"+job.ID+" on the console port shows its progress, and DELETE ends it after its current batch.",
		"interrupted, but the %s continues in the receiver: %d events are done", job.Kind, job.Done)
}

// unknownJobError says that another receiver does not know the job.
func unknownJobError(err error, id string) error {
	if !HasStatus(err, http.StatusNotFound) {
		return err
	}

	return output.Failed("Run it again to go on with the rest.",
		"the receiver that ran the job %s went away, and the job with it: %w", id, err)
}

// Backup returns a copy of the embedded store, and its size if that is known, or -1. The caller closes it.
func (c *Client) Backup(ctx context.Context) (body io.ReadCloser, size int64, err error) {
	response, err := c.send(ctx, http.MethodGet, "/backup", nil)
	if HasStatus(err, http.StatusNotImplemented) {
		return nil, 0, output.Failed("Use the tools of PostgreSQL, such as pg_dump.", "the store is PostgreSQL: %w", err)
	}

	if err != nil {
		return nil, 0, fmt.Errorf("back up the store: %w", err)
	}

	return response.Body, response.ContentLength, nil
}
