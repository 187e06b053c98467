// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// console calls the console, checks the status, and decodes the answer into target, unless that is nil or a text. A call that is
// answered 202 on a slow machine is as good as one with 200.
func (h *harness) console(status int, method, path string, target any) {
	h.t.Helper()

	request, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.Local.ConsoleAddr()+path, http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}

	response, err := h.client.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()

	body, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}

	if strings.HasPrefix(path, "/v1/") {
		if err := documents().console.CheckResponse(request, response.StatusCode, response.Header, body); err != nil {
			h.t.Error(err)
		}
	}

	if response.StatusCode == http.StatusAccepted {
		response.StatusCode = http.StatusOK
	}

	if response.StatusCode != status {
		h.t.Fatalf("%s %s = %d %s, want %d", method, path, response.StatusCode, body, status)
	}

	if target == nil {
		return
	}

	if text, ok := target.(*string); ok {
		*text = string(body)
		return
	}

	if err := json.Unmarshal(body, target); err != nil {
		h.t.Fatalf("%s %s = %s: %v", method, path, body, err)
	}
}

// replay replays the event of a message.
func (h *harness) replay(message string) {
	h.t.Helper()
	h.console(http.StatusOK, http.MethodPost, "/dead-letters/"+h.record(message).Event.ID.String()+"/replay", nil)
}

// newDeadLetter returns a harness in which the message wamid.1 got the fallback text and is a dead letter, since Bird's responses
// are malformed, and a function that fixes Bird.
func newDeadLetter(t *testing.T) (h *harness, fixBird func()) {
	t.Helper()

	h = newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.FallbackText = "Sorry, please write again." })

	var fixed atomic.Bool

	h.reply = func(method string, request map[string]any) any {
		if !fixed.Load() {
			return map[string]any{"response": map[string]any{"type": "hologram"}}
		}

		return standin.EchoReply(method, request)
	}
	h.malformed = true
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitFor("the dead letter", func() bool { return h.stats().DeadLetters == 1 })

	return h, func() { fixed.Store(true) }
}

// TestReplayAsksAgainAfterTheFallback checks that the fallback text is not an answer: once Bird is fixed, a replay asks it
// again.
func TestReplayAsksAgainAfterTheFallback(t *testing.T) {
	h, fixBird := newDeadLetter(t)

	fixBird()
	h.replay("wamid.1")

	if got, want := h.waitSent(2)[1].Text, "You said: hello"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}

	h.waitIdle()

	if record := h.record("wamid.1"); record.Event.State != store.Done || len(h.birdRequests()) != 2 {
		t.Errorf("the message is %s after %d requests, want done after 2", record.Event.State, len(h.birdRequests()))
	}
}

// TestReplayWaitsForTheEndOfATakeover checks that a replay is not lost while people have the conversation.
func TestReplayWaitsForTheEndOfATakeover(t *testing.T) {
	for name, giveBack := range map[string]func(*harness){
		"over": func(h *harness) { h.clock.Advance(2 * time.Hour) },
		"given back": func(h *harness) {
			h.console(http.StatusOK, http.MethodPost, "/conversations/"+number+":"+ana+"/give-back", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.HandoffDuration = time.Hour })
			fixed := h.refuseTexts()
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitFor("the dead letter", func() bool { return h.stats().DeadLetters == 1 })
			h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
			fixed.Store(true)
			h.replay("wamid.1")
			h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "another person"))
			h.waitSent(1)

			if got := h.record("wamid.1").Event.State; got != store.Pending {
				t.Errorf("the replayed message is %s while a colleague has the conversation, want pending", got)
			}

			giveBack(h)

			if got, want := h.waitSent(2)[1].Text, "You said: hello"; got != want {
				t.Errorf("sent %q, want %q", got, want)
			}
		})
	}
}

// TestReplayHoldsUpNoOther replays a message that people have. It waits for the end of the takeover only until the desk or the
// person writes, and the desk does not get it again.
func TestReplayHoldsUpNoOther(t *testing.T) {
	for name, write := range map[string]func(*harness){
		"the desk writes": func(h *harness) {
			h.waitState(h.postMessage(http.StatusAccepted, folder.DeskKey, "key", toAna("Ana, this is Eva.")), "sent")
			h.waitDesk(1)
		},
		"the person writes": func(h *harness) {
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.3", "are you there?"))
			h.clock.Advance(time.Minute)

			if got := h.waitDesk(2)[1].Payload["text"]; got != "are you there?" {
				h.t.Errorf("the desk got %v, want what the person wrote", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, func(c *config.Config) { withDesk(c); withMessagesAPI(c) })
			h.start()
			h.begin()
			h.console(http.StatusOK, http.MethodPost, "/conversations/"+number+":"+ana+"/take-over", nil)
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "hello?"))
			h.waitDesk(1)
			h.replay("wamid.2")
			h.waitFor("the replayed message to wait", h.nothingDue)

			if got := h.record("wamid.2").Event.State; got != store.Pending {
				t.Errorf("the replayed message is %s, want pending", got)
			}

			write(h)

			if got := h.record("wamid.2").Event.State; got != store.Human {
				t.Errorf("the replayed message is %s, want human again", got)
			}
		})
	}
}

// TestReplayOfWhatPeopleDidNotAnswer checks that messages which the AI left to people can be listed and replayed.
func TestReplayOfWhatPeopleDidNotAnswer(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "are you there?"))
	h.waitFor("the message is theirs", func() bool { return h.record("wamid.1").Event.State == store.Human })

	var taken struct{ Conversations []consoleapi.Conversation }
	h.console(http.StatusOK, http.MethodGet, "/conversations?state=taken_over", &taken)

	if len(taken.Conversations) != 1 || taken.Conversations[0].Name != number+":"+ana || taken.Conversations[0].By != "colleague" {
		t.Errorf("conversations that people have are %+v, want this one", taken.Conversations)
	}

	var causes struct{ Causes []consoleapi.Cause }
	h.console(http.StatusOK, http.MethodGet, "/dead-letters/causes?state=human", &causes)

	if len(causes.Causes) != 1 || causes.Causes[0].Count != 1 || causes.Causes[0].PhoneNumberID != number {
		t.Errorf("causes are %+v, want one message of the number", causes.Causes)
	}

	h.console(http.StatusOK, http.MethodPost, "/conversations/"+number+":"+ana+"/give-back", nil)
	h.console(http.StatusOK, http.MethodPost, "/dead-letters/replay?state=human", nil)

	if got, want := h.waitSent(1)[0].Text, "You said: are you there?"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

// TestPersonTakesOver checks that a person at the console silences the AI, also for an answer that Bird works on.
func TestPersonTakesOver(t *testing.T) {
	h := newHarness(t, withoutTyping)
	asked, answer := h.holdAnswer(standin.EchoReply)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	<-asked
	h.console(http.StatusOK, http.MethodPost, "/conversations/"+number+":"+ana+"/take-over?for=1h", nil)
	close(answer)
	h.waitIdle()
	h.waitSent(0)

	record := h.record("wamid.1")
	if record.Event.State != store.Human {
		t.Errorf("the message is %s, want human", record.Event.State)
	}

	if diff := cmp.Diff([]store.ReplyState{store.Planned}, replyStates(record)); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

// TestReplayOfManyDeadLetters checks that a bulk replay does not depend on the time that one request may take.
func TestReplayOfManyDeadLetters(t *testing.T) {
	const n = 501 // more than one transaction

	h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.CloudAPI.MessagesPerSecond = 1000 })

	var fixed atomic.Bool

	h.reply = func(method string, request map[string]any) any {
		if !fixed.Load() {
			return standin.Answer{Status: http.StatusUnprocessableEntity, Body: map[string]any{}}
		}

		return standin.EchoReply(method, request)
	}
	h.start()

	for i := range n {
		h.deliver(http.StatusOK, textDelivery(fmt.Sprint(573001000000+i), standin.Wamid(fmt.Sprint(i)), "hello"))
	}

	h.waitFor("dead letters", func() bool { return h.stats().DeadLetters == n })
	fixed.Store(true)

	var job consoleapi.Job
	h.console(http.StatusOK, http.MethodPost, "/dead-letters/replay?number="+number, &job)
	h.waitFor("the job to end", func() bool {
		h.console(http.StatusOK, http.MethodGet, "/jobs/"+job.ID, &job)
		return job.State != consoleapi.JobRunning
	})

	if job.State != consoleapi.JobDone || job.Done != n || job.Total == nil || *job.Total != n {
		t.Errorf("the job ended as %+v, want %d replayed", job, n)
	}

	h.waitSent(n)
}
