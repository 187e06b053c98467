// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// mediaHost is the path of the files on Meta's media host.
const mediaHost = "/whatsapp_business/attachments"

// deliverImage delivers a picture of a person.
func (h *harness) deliverImage(person, message, media string) {
	h.t.Helper()

	image := map[string]any{"id": media, "mime_type": "image/jpeg"}
	h.deliver(http.StatusOK, standin.MessageDelivery(number, person, "P", message, "image", image, time.Now()))
}

// TestOutageOfFilesMakesNoDeadLetter checks that pictures wait for the end of an outage of Meta's media hosts, while texts are
// answered.
func TestOutageOfFilesMakesNoDeadLetter(t *testing.T) {
	for name, tc := range map[string]struct {
		fault   standin.Fault
		people  int
		seconds int
	}{
		"one picture":        {standin.Fault{PathPrefix: mediaHost, Status: http.StatusServiceUnavailable}, 1, 20},
		"many pictures":      {standin.Fault{PathPrefix: mediaHost, Status: http.StatusServiceUnavailable}, 20, 120},
		"refused tokens":     {standin.Fault{PathPrefix: mediaHost, Status: http.StatusUnauthorized}, 5, 60},
		"failing look-ups":   {standin.Fault{PathPrefix: "/500", Status: http.StatusServiceUnavailable}, 5, 60},
		"broken connections": {standin.Fault{PathPrefix: mediaHost, Cut: standin.CutMidBody}, 5, 60},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, byDefault)
			h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))
			id := h.Graph.Faults.Add(tc.fault)
			h.start()

			for i := range tc.people {
				h.deliverImage(person(1000+i), fmt.Sprint("wamid.image", i), "500")
			}

			for i := range tc.seconds {
				h.deliver(http.StatusOK, textDelivery(person(i), fmt.Sprint("wamid.", i), "hello"))
				h.waitSent(i + 1)
				h.pass(time.Second, time.Second)
			}

			before := h.Graph.Recorder.Total()
			h.pass(time.Hour, 30*time.Second)

			if calls := h.Graph.Recorder.Total() - before; calls > 1000 {
				t.Errorf("%d calls to Meta in an hour of the outage, want those of a picture in each period", calls)
			}

			if closed := h.status().ClosedScopes; tc.people > 5 && (len(closed) != 1 || closed[0].Scope != "files:download") {
				t.Errorf("closed scopes = %v, want that of downloads", closed)
			}

			h.Graph.Faults.Remove(id)

			for range 20 {
				h.pass(10*time.Second, 10*time.Second)
			}

			h.waitSent(tc.seconds + tc.people)

			if stats := h.stats(); stats.DeadLetters != 0 {
				t.Errorf("%d dead letters, want none", stats.DeadLetters)
			}
		})
	}
}

// TestSpoolThatCannotBeWrittenMakesNoDeadLetter checks the same while the receiver itself cannot keep a file.
func TestSpoolThatCannotBeWrittenMakesNoDeadLetter(t *testing.T) {
	h := newHarness(t, byDefault)
	h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))
	h.start()

	spool := h.Local.Live.Current().Media.SpoolDir
	if err := os.Remove(spool); err != nil {
		t.Fatal(err)
	}

	h.deliverImage(ana, "wamid.image", "500")

	for i := range 20 {
		h.deliver(http.StatusOK, textDelivery(person(i), fmt.Sprint("wamid.", i), "hello"))
		h.waitSent(i + 1)
		h.pass(time.Second, time.Second)
	}

	if err := os.Mkdir(spool, 0o700); err != nil {
		t.Fatal(err)
	}

	h.pass(time.Minute, time.Second)
	h.waitSent(21)

	if stats := h.stats(); stats.DeadLetters != 0 {
		t.Errorf("%d dead letters, want none", stats.DeadLetters)
	}
}

// TestFileThatFailsAloneIsDeadLettered checks that one file which the media host always refuses ends as a dead letter once
// another file was downloaded, and stops no sends.
func TestFileThatFailsAloneIsDeadLettered(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusServiceUnavailable} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			h := newHarness(t, byDefault)
			h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))
			h.Graph.PutMedia("600", "image/jpeg", []byte("photo"))
			h.WrapGraph(refuseFile("600", status))
			h.start()
			h.deliverImage(ana, "wamid.bad", "600")
			h.waitFor("the download fails", func() bool { return len(h.record("wamid.bad").Failures) > 0 })

			h.deliver(http.StatusOK, textDelivery(luis, "wamid.text", "hello"))
			h.waitSent(1)

			n := 0
			for h.record("wamid.bad").Event.State == store.Pending && n < 20 {
				h.deliverImage(person(n), fmt.Sprint("wamid.", n), "500")
				n++
				h.waitSent(n + 1)
				h.pass(10*time.Second, time.Second)
			}

			if record := h.record("wamid.bad"); record.Event.State != store.Dead || record.Attempts != 4 {
				t.Errorf("the picture is %s after %d attempts, want a dead letter after 4", record.Event.State, record.Attempts)
			}
		})
	}
}

// TestFilesAreAwaitedForADay checks that a conversation goes on after a day without files, also while their scope is closed.
func TestFilesAreAwaitedForADay(t *testing.T) {
	for _, people := range []int{1, 5} {
		t.Run(fmt.Sprint(people), func(t *testing.T) {
			h := newHarness(t, byDefault)
			h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))
			h.Graph.Faults.Add(standin.Fault{PathPrefix: mediaHost, Status: http.StatusServiceUnavailable})
			h.start()

			for i := range people {
				h.deliverImage(person(i), fmt.Sprint("wamid.", i), "500")
			}

			h.waitFor("the downloads fail", h.nothingDue)
			h.pass(23*time.Hour, 10*time.Minute)

			if stats := h.stats(); stats.DeadLetters != 0 {
				t.Errorf("%d dead letters after 23 hours, want none", stats.DeadLetters)
			}

			h.pass(2*time.Hour, time.Minute)

			if stats := h.stats(); stats.DeadLetters != int64(people) || stats.Pending != 0 {
				t.Errorf("%d dead letters and %d pending after 25 hours, want %d dead letters", stats.DeadLetters, stats.Pending, people)
			}
		})
	}
}

// refuseFile lets the media host answer with a status for one file.
func refuseFile(id string, status int) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, mediaHost) && r.URL.Query().Get("mid") == id {
				w.WriteHeader(status)
				return
			}

			next.ServeHTTP(w, r)
		})
	}
}
