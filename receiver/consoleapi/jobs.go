// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// maxJobs bounds the jobs that are remembered.
const maxJobs = 50

// JobKind is what a job does. One job of each kind runs at a time.
type JobKind string

// The kinds of jobs.
const (
	JobReplay  JobKind = "replay"
	JobDiscard JobKind = "discard"
)

// JobState is how far a job is.
type JobState string

// The states of jobs.
const (
	JobRunning   JobState = "running"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// Job is the progress of a bulk call.
type Job struct {
	ID      string    `json:"id"`
	Kind    JobKind   `json:"kind"`
	State   JobState  `json:"state"`
	Total   *int64    `json:"total,omitempty"` // events selected at the start, if known
	Done    int64     `json:"done"`            // events changed
	Failed  int64     `json:"failed"`          // batches that failed; each is tried again
	Error   string    `json:"error,omitempty"` // why the job failed
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	// States counts the replayed events by the state that they have now. An event that a later job replayed counts there.
	States map[store.State]int64 `json:"states,omitempty"`
}

// Jobs runs the bulk calls of the console. Close ends them.
type Jobs struct {
	clock   clockwork.Clock
	log     *slog.Logger
	ctx     context.Context //nolint:containedctx // the lifetime of the jobs, which no request bounds
	stop    context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	jobs []*runningJob // the oldest first, at most maxJobs
}

// runningJob is a job with its context.
type runningJob struct {
	Job

	cancel context.CancelFunc
	ended  chan struct{}
}

// NewJobs returns jobs that run until Close.
func NewJobs(clock clockwork.Clock, log *slog.Logger) *Jobs {
	ctx, stop := context.WithCancel(context.Background())

	return &Jobs{
		clock: clock,
		log:   log,
		ctx:   ctx,
		stop:  stop,
	}
}

// Close cancels the running jobs and waits for them.
func (j *Jobs) Close() {
	j.stop()
	j.running.Wait()
}

// work does a job. It reports progress by update, which changes the job.
type work func(ctx context.Context, update func(func(*Job))) error

// start starts a job with the id, kind and total of planned, and returns it with the channel that is closed at its end. If a
// job of this kind is running, it returns that one, and false.
func (j *Jobs) start(planned Job, do work) (Job, <-chan struct{}, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()

	for _, other := range j.jobs {
		if other.Kind == planned.Kind && other.State == JobRunning {
			return other.Job, other.ended, false
		}
	}

	ctx, cancel := context.WithCancel(j.ctx)
	job := &runningJob{
		Job: Job{
			ID:      planned.ID,
			Kind:    planned.Kind,
			State:   JobRunning,
			Total:   planned.Total,
			Started: j.clock.Now().UTC(),
		},
		cancel: cancel,
		ended:  make(chan struct{}),
	}

	j.jobs = append(j.jobs, job)
	if len(j.jobs) > maxJobs {
		oldest := slices.IndexFunc(j.jobs, func(other *runningJob) bool { return other.State != JobRunning })
		j.jobs = slices.Delete(j.jobs, oldest, oldest+1)
	}

	j.running.Go(func() {
		defer close(job.ended)
		defer cancel()

		j.run(ctx, job, do)
	})

	return job.Job, job.ended, true
}

func (j *Jobs) run(ctx context.Context, job *runningJob, do work) {
	err := do(ctx, func(change func(*Job)) {
		j.mu.Lock()
		defer j.mu.Unlock()

		change(&job.Job)
	})

	j.mu.Lock()
	defer j.mu.Unlock()

	job.Ended = j.clock.Now().UTC()

	switch {
	case err == nil:
		job.State = JobDone
	case ctx.Err() != nil:
		job.State = JobCancelled
	default:
		job.State = JobFailed
		job.Error = storeProblem(err)
		j.log.Error("job failed", "kind", job.Kind, "events", job.Done, "error", err)

		return
	}

	j.log.Info("job ended", "kind", job.Kind, "state", job.State, "events", job.Done)
}

// list returns the remembered jobs, the newest first.
func (j *Jobs) list() []Job {
	j.mu.Lock()
	defer j.mu.Unlock()

	jobs := make([]Job, 0, len(j.jobs))
	for _, job := range slices.Backward(j.jobs) {
		jobs = append(jobs, job.Job)
	}

	return jobs
}

// get returns a job. With cancel it ends the job after its current batch.
func (j *Jobs) get(id string, cancel bool) (Job, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()

	i := slices.IndexFunc(j.jobs, func(job *runningJob) bool { return job.ID == id })
	if i < 0 {
		return Job{}, false
	}

	if cancel {
		j.jobs[i].cancel()
	}

	return j.jobs[i].Job, true
}

func (a *api) jobs(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"jobs": a.Jobs.list()})
}

func (a *api) job(w http.ResponseWriter, r *http.Request) { a.answerJob(w, r, false) }

func (a *api) cancelJob(w http.ResponseWriter, r *http.Request) { a.answerJob(w, r, true) }

func (a *api) answerJob(w http.ResponseWriter, r *http.Request, cancel bool) {
	job, ok := a.Jobs.get(r.PathValue("job"), cancel)
	if !ok {
		http.Error(w, "no such job", http.StatusNotFound)
		return
	}

	if job.Kind == JobReplay {
		states, err := a.Store.JobStates(r.Context(), job.ID)
		if err != nil {
			a.fail(w, err, "no such job")
			return
		}

		job.States = states
	}

	answer(w, http.StatusOK, job)
}
