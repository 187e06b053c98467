// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// waitJob waits until a job has ended.
func (c *testConsole) waitJob(id string) Job {
	c.t.Helper()

	timeout := time.After(time.Minute)

	for {
		var job Job
		c.callJSON(http.StatusOK, http.MethodGet, "/jobs/"+id, &job)

		if job.State != JobRunning {
			return job
		}

		select {
		case <-timeout:
			c.t.Fatalf("job %+v does not end", job)
		case <-time.After(time.Millisecond):
			c.clock.Advance(bulkRetryDelay)
		}
	}
}

func TestBulkReplayIsAJob(t *testing.T) {
	inbox := &fakeStore{failing: 2, block: make(chan struct{})}
	for i := range int64(bulkBatch*3 + 1) {
		inbox.events = append(inbox.events, deadLetter(i+1, store.Dead, "42", "131026"))
	}

	console := newTestConsole(t, inbox)

	// The call does not wait longer than a moment for its job.
	answered := make(chan BulkResult)

	go func() {
		var result BulkResult
		console.callJSON(http.StatusAccepted, http.MethodPost, "/dead-letters/replay?code=131026", &result)

		answered <- result
	}()

	if err := console.clock.BlockUntilContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}

	console.clock.Advance(bulkWait)

	result := <-answered
	if result.State != JobRunning || result.Replayed == nil || result.Total == nil || *result.Total != bulkBatch*3+1 {
		t.Errorf("answered %+v, want a running job and the number of events", result)
	}

	var other BulkResult
	console.callJSON(http.StatusConflict, http.MethodPost, "/dead-letters/replay", &other)

	if other.ID != result.ID {
		t.Errorf("a second call names job %s, want the running one", other.ID)
	}

	// An event that arrives meanwhile is not replayed.
	inbox.mu.Lock()
	late := deadLetter(1_000_000, store.Dead, "42", "131026")
	inbox.events = append(inbox.events, late)
	inbox.mu.Unlock()

	close(inbox.block)

	job := console.waitJob(result.ID)
	if job.State != JobDone || job.Done != bulkBatch*3+1 || job.Failed != 2 || job.Ended.IsZero() {
		t.Errorf("job ended as %+v, want all events replayed after 2 failed batches", job)
	}

	if diff := cmp.Diff([]int{bulkBatch, bulkBatch, bulkBatch, 1}, inbox.batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}

	if console.woken.Load() < 4 {
		t.Errorf("the engine was woken %d times, want after each batch", console.woken.Load())
	}

	if record, _ := inbox.Get(t.Context(), late.Event.ID); record.Event.State != store.Dead {
		t.Error("an event that arrived after the call was replayed too")
	}
}

func TestBulkCallOfFewEvents(t *testing.T) {
	inbox := &fakeStore{events: []store.Record{
		deadLetter(1, store.Dead, "42", "131026"),
		deadLetter(2, store.Dead, "42", "131026"),
		deadLetter(3, store.Human, "42", ""),
	}}
	console := newTestConsole(t, inbox)

	var result BulkResult
	console.callJSON(http.StatusOK, http.MethodPost, "/dead-letters/replay", &result)

	if result.State != JobDone || result.Replayed == nil || *result.Replayed != 2 || *result.Total != 2 {
		t.Errorf("answered %+v, want 2 replayed", result)
	}

	var job Job
	console.callJSON(http.StatusOK, http.MethodGet, "/jobs/"+result.ID, &job)

	if diff := cmp.Diff(map[store.State]int64{store.Pending: 2, store.Human: 1}, job.States); diff != "" {
		t.Errorf("states of the job's events (-want +got):\n%s", diff)
	}

	result = BulkResult{}
	console.callJSON(http.StatusOK, http.MethodPost, "/dead-letters/discard?state=human", &result)

	if result.State != JobDone || result.Discarded == nil || *result.Discarded != 1 {
		t.Errorf("answered %+v, want 1 discarded", result)
	}

	var list struct{ Jobs []Job }
	console.callJSON(http.StatusOK, http.MethodGet, "/jobs", &list)

	if len(list.Jobs) != 2 || list.Jobs[0].Kind != JobDiscard || list.Jobs[1].Kind != JobReplay {
		t.Errorf("jobs are %+v, want both, the newest first", list.Jobs)
	}
}

func TestCancelJob(t *testing.T) {
	inbox := &fakeStore{failing: 1}
	for i := range int64(10) {
		inbox.events = append(inbox.events, deadLetter(i+1, store.Dead, "42", ""))
	}

	console := newTestConsole(t, inbox)
	answered := make(chan int)

	go func() {
		code, _ := console.call(http.MethodPost, "/dead-letters/discard")
		answered <- code
	}()

	// The first batch has failed, and the job waits to try again.
	if err := console.clock.BlockUntilContext(t.Context(), 2); err != nil {
		t.Fatal(err)
	}

	var list struct{ Jobs []Job }
	console.callJSON(http.StatusOK, http.MethodGet, "/jobs", &list)

	var cancelled Job
	console.callJSON(http.StatusOK, http.MethodDelete, "/jobs/"+list.Jobs[0].ID, &cancelled)

	// The clock stands still: neither the time of the call nor the wait of the job ends.
	if code := <-answered; code != http.StatusOK {
		t.Errorf("the call is answered %d once its job has ended, want 200", code)
	}

	var job Job
	console.callJSON(http.StatusOK, http.MethodGet, "/jobs/"+cancelled.ID, &job)

	if job.State != JobCancelled || job.Done != 0 {
		t.Errorf("job ended as %+v, want it cancelled before its first batch", job)
	}

	if code, _ := console.call(http.MethodGet, "/jobs/none"); code != http.StatusNotFound {
		t.Errorf("an unknown job is answered %d, want 404", code)
	}
}

func TestJobsAreForgotten(t *testing.T) {
	console := newTestConsole(t, &fakeStore{})
	for range maxJobs + 3 {
		var result BulkResult
		console.callJSON(http.StatusOK, http.MethodPost, "/dead-letters/replay", &result)
	}

	var list struct{ Jobs []Job }
	console.callJSON(http.StatusOK, http.MethodGet, "/jobs", &list)

	if len(list.Jobs) != maxJobs {
		t.Errorf("%d jobs are remembered, want %d", len(list.Jobs), maxJobs)
	}
}

// TestBulkCallExpectsANumber checks that a call changes nothing if more events are selected than its person agreed to.
func TestBulkCallExpectsANumber(t *testing.T) {
	inbox := &fakeStore{}
	for i := range int64(4) {
		inbox.events = append(inbox.events, deadLetter(i+1, store.Dead, "42", "131026"))
	}

	console := newTestConsole(t, inbox)

	for _, act := range []string{"replay", "discard"} {
		var grown Grown
		console.callJSON(http.StatusConflict, http.MethodPost, "/v1/dead-letters/"+act+"?code=131026&expect=3", &grown)

		if grown.Grown != 4 || grown.Error == "" || len(inbox.batches) > 0 {
			t.Errorf("%s is answered %+v and changed %v, want the number, a text and no change", act, grown, inbox.batches)
		}
	}

	for _, expected := range []string{"", "-1", "x"} {
		if code, body := console.call(http.MethodPost, "/v1/dead-letters/discard?expect="+expected); code != http.StatusBadRequest {
			t.Errorf("expect=%s is answered %d %s, want 400", expected, code, body)
		}
	}

	var result BulkResult
	console.callJSON(http.StatusOK, http.MethodPost, "/v1/dead-letters/replay?expect=4", &result)

	if result.Done != 4 {
		t.Errorf("answered %+v, want all replayed", result)
	}

	result = BulkResult{}
	console.callJSON(http.StatusOK, http.MethodPost, "/v1/dead-letters/discard?expect=4", &result)

	if result.State != JobDone || result.Done != 0 {
		t.Errorf("answered %+v, want that fewer events than expected are not a conflict", result)
	}
}

// TestBulkCallChangesNoMoreThanExpected checks that a job ends at the number to which the person agreed, although more
// events are selected: events of causes that were not counted, and events that failed after the count.
func TestBulkCallChangesNoMoreThanExpected(t *testing.T) {
	discarded := func(inbox *fakeStore) (n int) {
		for i := range inbox.events {
			if inbox.events[i].Event.State == store.Discarded {
				n++
			}
		}

		return n
	}

	t.Run("more causes than are counted", func(t *testing.T) {
		inbox := &fakeStore{}
		for i := range int64(store.MaxCauses + 1) {
			inbox.events = append(inbox.events, deadLetter(i+1, store.Dead, "42", fmt.Sprint("code-", i)))
			inbox.events[i].Event.ReceivedAt = now // else the last one would arrive after the call
		}

		console := newTestConsole(t, inbox)

		var result BulkResult
		console.callJSON(http.StatusOK, http.MethodPost, "/v1/dead-letters/discard?expect=500", &result)

		if n := discarded(inbox); n != 500 || result.Done != 500 || result.State != JobDone || result.Total != nil {
			t.Errorf("%d events are discarded, and the answer is %+v, want 500 of an unknown total", n, result)
		}
	})

	t.Run("an event fails meanwhile", func(t *testing.T) {
		inbox := &fakeStore{
			block: make(chan struct{}),
			events: []store.Record{
				deadLetter(1, store.Dead, "42", "131026"),
				deadLetter(2, store.Pending, "42", "131026"),
				deadLetter(3, store.Dead, "42", "131026"),
			},
		}
		console := newTestConsole(t, inbox)
		answered := make(chan BulkResult)

		go func() {
			var result BulkResult
			console.callJSON(http.StatusOK, http.MethodPost, "/v1/dead-letters/discard?expect=2", &result)

			answered <- result
		}()

		if err := console.clock.BlockUntilContext(t.Context(), 1); err != nil {
			t.Fatal(err)
		}

		inbox.mu.Lock()
		inbox.events[1].Event.State = store.Dead
		inbox.mu.Unlock()
		close(inbox.block)

		if result := <-answered; result.Done != 2 || discarded(inbox) != 2 {
			t.Errorf("%d events are discarded, and the answer is %+v, want 2", discarded(inbox), result)
		}
	})
}
