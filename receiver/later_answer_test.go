// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// answersLater is the reply of an AI that answers by the messages API.
func answersLater(string, map[string]any) any {
	return standin.Answer{Status: http.StatusAccepted, Body: map[string]any{"accepted": true}}
}

// post stores an outbound message as the messages API does, and returns its event. The key makes it unique.
func (h *harness) post(key string, message outbound.Message) store.ID {
	h.t.Helper()

	id := outbound.ID(number, key)

	event, err := message.Event(id, number+":"+ana, h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}

	events := []store.Event{event}

	if message.Final {
		question, err := store.ParseID(message.Question)
		if err != nil {
			h.t.Fatal(err)
		}

		events = append(events, outbound.Answered(question, message.Replays, number, h.clock.Now()))
	}

	if _, err := h.Local.Store().Ingest(h.t.Context(), events); err != nil {
		h.t.Fatal(err)
	}

	return id
}

// answerTo returns the final answer of the AI to a message of ana.
func (h *harness) answerTo(message, text string) outbound.Message {
	h.t.Helper()

	record := h.record(message)

	item, err := whatsapp.Decode(record.Event.Payload)
	if err != nil {
		h.t.Fatal(err)
	}

	return outbound.Message{
		Role:     outbound.Assistant,
		Question: record.Event.ID.String(),
		Replays:  record.Replays,
		AskedAt:  record.Event.ReceivedAt,
		Item:     item,
		Body:     responseOf(text),
		Final:    true,
	}
}

// unasked returns a message to ana that answers no question, and that a role posts.
func (h *harness) unasked(role outbound.Role, text string) outbound.Message {
	h.t.Helper()

	item, err := outbound.Addressee(number + ":" + ana)
	if err != nil {
		h.t.Fatal(err)
	}

	return outbound.Message{
		Role: role,
		Item: item,
		Body: responseOf(text),
	}
}

func responseOf(text string) json.RawMessage { return fmt.Appendf(nil, `{"response":%q}`, text) }

// event returns a stored event.
func (h *harness) event(id store.ID) *store.Record {
	h.t.Helper()

	record, err := h.Local.Store().Get(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}

	return record
}

// waitAsked waits until the AI has been asked about a message and answers it later.
func (h *harness) waitAsked(message string) *store.Record {
	h.t.Helper()

	id := store.NewID(store.KindMessage, number, message)

	var record *store.Record

	h.waitFor("the question to end", func() bool {
		var err error

		record, err = h.Local.Store().Get(h.t.Context(), id)

		return err == nil && record.Event.State == store.Done
	})

	return record
}

// deadline returns the event that ends the time for a later answer to a message.
func (h *harness) deadline(message string) *store.Record {
	h.t.Helper()

	return h.event(outbound.DeadlineID(store.NewID(store.KindMessage, number, message), 0))
}

// waitDeadline lets the time for a later answer to a message end.
func (h *harness) waitDeadline(message string) {
	h.t.Helper()
	h.clock.Advance(2 * time.Minute)
	h.waitFor("the deadline", func() bool { return h.deadline(message).Event.State == store.Done })
}

func sentTexts(sent []standin.SentMessage) []string {
	var texts []string
	for _, message := range sent {
		texts = append(texts, message.Text)
	}

	return texts
}

func withFallback(c *config.Config) {
	withoutTyping(c)

	c.Processing.FallbackText = "**Sorry**, please write again."
}

func TestLaterAnswer(t *testing.T) {
	h := newHarness(t, withFallback)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))

	record := h.waitAsked("wamid.1")
	if len(record.Failures) != 1 || record.Failures[0].Code != "answered_later" || record.Failures[0].Spent {
		t.Errorf("history = %+v, want that the AI answers later", record.Failures)
	}

	awaits := func(n int) bool {
		_, page := h.adminPage("/metrics")
		return strings.Contains(page, fmt.Sprintf("\nwhatsapp_answers_awaited %d\n", n))
	}

	h.waitFor("the question to be awaited", func() bool { return awaits(1) })

	if got := h.status().Metrics.MessagesProcessed; got != 0 {
		t.Errorf("%d messages count as processed before the answer, want none", got)
	}

	id := h.post("key", h.answerTo("wamid.1", "**Ten** euros."))
	h.post("key", h.answerTo("wamid.1", "**Ten** euros.")) // a repetition of the call
	h.waitFor("the answer to end", func() bool { return h.event(id).Event.State == store.Done })

	sent := h.waitSent(1)[0]
	if sent.Text != "*Ten* euros." || sent.ContextID != "wamid.1" || !strings.HasPrefix(sent.Callback, id.String()) {
		t.Errorf("sent %+v, want the answer, which quotes the question", sent)
	}

	h.waitDeadline("wamid.1")
	h.waitIdle()
	h.waitSent(1)
	h.waitFor("nothing to be awaited", func() bool { return awaits(0) })

	if got := h.status().Metrics; got.MessagesProcessed != 1 || got.MessagesFailed != 0 {
		t.Errorf("figures = %+v, want one message that was processed", got)
	}

	if got := h.sink.notices("message.unanswered"); len(got) > 0 {
		t.Errorf("notices of missing answers: %v, want none", got)
	}
}

func TestUnansweredMessage(t *testing.T) {
	for name, tc := range map[string]struct {
		adjust func(*config.Config)
		final  bool
		want   []string
	}{
		"with a fallback text":     {adjust: withFallback, want: []string{"**Sorry**, please write again."}},
		"without a fallback text":  {adjust: withoutTyping},
		"after a first message":    {adjust: withFallback, want: []string{"one moment", "**Sorry**, please write again."}},
		"after the final message":  {adjust: withFallback, final: true, want: []string{"one moment"}},
		"with answers within 1 h.": {adjust: func(c *config.Config) { withFallback(c); c.Processing.AnswerWithin = time.Hour }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, tc.adjust)
			h.reply = answersLater
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
			h.waitAsked("wamid.1")

			if len(tc.want) > 0 && tc.want[0] == "one moment" {
				message := h.answerTo("wamid.1", "one moment")
				message.Final = tc.final
				h.post("key", message)
				h.waitSent(1)
			}

			if strings.Contains(name, "1 h.") {
				h.clock.Advance(59 * time.Minute)
				h.waitSent(0)
				h.clock.Advance(time.Minute)
				h.waitSent(1)

				return
			}

			h.waitDeadline("wamid.1")
			h.waitIdle()

			if diff := cmp.Diff(tc.want, sentTexts(h.waitSent(len(tc.want)))); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}

			unanswered := h.sink.notices("message.unanswered")
			if tc.final != (len(unanswered) == 0) {
				t.Fatalf("notices = %v", unanswered)
			}

			_, page := h.adminPage("/metrics")
			if want := fmt.Sprintf("\nwhatsapp_unanswered_messages_total %d\n", len(unanswered)); !strings.Contains(page, want) {
				t.Errorf("metrics lack %q", want)
			}

			if tc.final {
				return
			}

			data, _ := unanswered[0].Data.(map[string]any)
			if age, _ := data["age_seconds"].(float64); unanswered[0].Subject != h.record("wamid.1").Event.ID.String() || age < 120 {
				t.Errorf("notice = %+v, want the age of the question", unanswered[0])
			}
		})
	}
}

// TestUnansweredAfterADowntime stops the receiver for more than a day while an answer is awaited.
func TestUnansweredAfterADowntime(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	h.waitAsked("wamid.1")
	h.stop()
	h.clock.Advance(25 * time.Hour)
	h.start()
	h.waitFor("the deadline", func() bool {
		_, page := h.adminPage("/metrics")

		return strings.Contains(page, "\nwhatsapp_answers_awaited 1\n") || h.deadline("wamid.1").Event.State != store.Pending
	})
	h.clock.Advance(time.Minute)
	h.waitIdle()

	if got := h.sink.notices("message.unanswered"); len(got) != 1 {
		t.Errorf("%d notices that the message is not answered, want one", len(got))
	}
}

// TestLateAnswer posts an answer after the deadline, and another one between the deadline and the send of the fallback text.
func TestLateAnswer(t *testing.T) {
	h := newHarness(t, withFallback)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	h.waitAsked("wamid.1")
	h.waitDeadline("wamid.1")
	h.waitSent(1)
	h.post("key", h.answerTo("wamid.1", "Ten euros."))

	if got := h.waitSent(2)[1].Text; got != "Ten euros." {
		t.Errorf("sent %q after the fallback text, want the answer", got)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "and two?"))
	h.waitAsked("wamid.2")

	sending, accept := h.holdSend()
	h.post("key 2", h.unasked(outbound.Assistant, "The shop closes at ten."))
	<-sending
	h.waitDeadline("wamid.2") // the fallback text waits behind the message
	h.post("key 3", h.answerTo("wamid.2", "Twenty euros."))
	close(accept)
	h.waitIdle()

	want := []string{"**Sorry**, please write again.", "Ten euros.", "The shop closes at ten.", "Twenty euros."}
	if diff := cmp.Diff(want, sentTexts(h.waitSent(4))); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// TestFailedFallbackTextAfterTheAnswer checks that a fallback text which Meta reports as failed after the answer is not sent again.
func TestFailedFallbackTextAfterTheAnswer(t *testing.T) {
	h := newHarness(t, withFallback)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	h.waitAsked("wamid.1")
	h.waitDeadline("wamid.1")
	fallback := h.waitSent(1)[0]
	h.waitIdle()
	h.post("key", h.answerTo("wamid.1", "Ten euros."))
	h.waitSent(2)
	h.waitIdle()
	h.failedWith(131000, fallback, 1)
	h.waitIdle()

	if diff := cmp.Diff([]string{"**Sorry**, please write again.", "Ten euros."}, sentTexts(h.Graph.Sent())); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}

	if notice := h.sink.notices("message.failed")[0]; saysResent(notice) {
		t.Errorf("the notice has %v, want that the text is not sent again", notice.Data)
	}
}

// TestAnswerBeforeAWaitingFallbackText posts the answer while the fallback text waits for a limit: for its first send, and to be
// sent again. The person gets the answer only.
func TestAnswerBeforeAWaitingFallbackText(t *testing.T) {
	for name, tc := range map[string]struct {
		limit func(*harness)
		want  []string
	}{
		"first send": {
			limit: func(h *harness) {
				h.refuseSend(131056)
				h.waitDeadline("wamid.1")
			},
			want: []string{"Ten euros."},
		},
		"again": {
			limit: func(h *harness) {
				h.waitDeadline("wamid.1")

				fallback := h.waitSent(1)[0]

				h.waitIdle()
				h.failedWith(131056, fallback, 1)
			},
			want: []string{"**Sorry**, please write again.", "Ten euros."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) { withFallback(c); limitedForAnHour(c) })
			h.reply = answersLater
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
			h.waitAsked("wamid.1")
			tc.limit(h)
			h.waitFor("the fallback text to wait", func() bool { return h.stats().Pending == 1 && h.allWait() })
			h.post("key", h.answerTo("wamid.1", "Ten euros."))
			h.clock.Advance(2 * time.Hour)
			h.waitIdle()

			if diff := cmp.Diff(tc.want, sentTexts(h.Graph.Sent())); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAnswerBeforeTheCallReturns posts the answer while the AI has not accepted the question yet.
func TestAnswerBeforeTheCallReturns(t *testing.T) {
	h := newHarness(t, withFallback)
	asked, answer := h.holdAnswer(answersLater)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	<-asked
	h.post("key", h.answerTo("wamid.1", "Ten euros."))
	close(answer)
	h.waitSent(1)
	h.waitDeadline("wamid.1")
	h.waitIdle()
	h.waitSent(1)
}

// TestAnswerAfterAFailedCall lets the call fail although the AI works on the question, and posts the answer. The AI is not
// asked again.
func TestAnswerAfterAFailedCall(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withFallback(c)
		c.Processing.Retry = config.Retry{BaseDelay: time.Minute, MaxDelay: time.Minute}
	})
	h.Bird.Faults.Add(standin.Fault{Status: http.StatusBadGateway, Times: 1})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	h.waitFor("the call to fail", func() bool { return len(h.record("wamid.1").Failures) > 0 })
	h.post("key", h.answerTo("wamid.1", "Ten euros."))
	h.clock.Advance(10 * time.Minute)
	h.waitAsked("wamid.1")
	h.waitSent(1)
	h.waitIdle()

	if asked := h.birdRequests(); len(asked) > 0 {
		t.Errorf("the AI was asked %d times, want no more after the call that failed", len(asked))
	}
}

// TestAnswerDuringAnOutage lets the AI post its answer to a question that opened the circuit breaker, so that no attempt was
// spent. The AI is not asked again, and the message of another person that waits finds out that the AI is back.
func TestAnswerDuringAnOutage(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withFallback(c)
		c.Bird.CircuitBreaker = config.CircuitBreaker{FailureThreshold: 1, OpenDuration: time.Minute}
	})
	h.Bird.Faults.Add(standin.Fault{
		Status:      http.StatusServiceUnavailable,
		AfterEffect: true,
		Times:       1,
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	h.waitFor("the call to fail", func() bool { return len(h.record("wamid.1").Failures) > 0 })

	if got := h.record("wamid.1"); got.Attempts != 0 || got.Event.State != store.Pending {
		t.Fatalf("the message is %s after %d attempts, want pending and none spent", got.Event.State, got.Attempts)
	}

	h.post("key", h.answerTo("wamid.1", "Ten euros."))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "hello"))
	h.clock.Advance(10 * time.Minute)
	h.waitAsked("wamid.1")
	h.waitAsked("wamid.2")
	h.waitIdle()

	sent := sentTexts(h.waitSent(2))
	slices.Sort(sent)

	if diff := cmp.Diff([]string{"Ten euros.", "You said: hello"}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}

	want := []string{`process_text_message {"text":"how much is it?"}`, `process_text_message {"text":"hello"}`}
	if diff := cmp.Diff(want, h.asked()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// TestAnswerAfterACrash checks that the AI is not asked again if it has posted its answer, although an attempt after the crash
// was postponed before it asked.
func TestAnswerAfterACrash(t *testing.T) {
	h := newHarness(t, withFallback)
	h.start()
	h.pauseNumber()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	h.crashAt("wamid.1")
	h.post("key", h.answerTo("wamid.1", "Ten euros."))
	h.clock.Advance(2 * time.Hour)
	h.waitAsked("wamid.1")
	h.waitSent(1)
	h.waitIdle()

	if asked := h.asked(); len(asked) > 0 {
		t.Errorf("asked %q, want nothing after the answer", asked)
	}
}

// TestTypingUntilTheLaterAnswer checks that the person sees the typing indicator every 20 seconds until the answer, but not
// while the phone number is paused.
func TestTypingUntilTheLaterAnswer(t *testing.T) {
	h := newHarness(t, nil)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	h.waitAsked("wamid.1")

	shown := func() int { return len(h.Graph.Recorder.Calls(readReceipts)) }
	tick := func() {
		before := h.deadline("wamid.1").Event.State

		h.clock.Advance(20 * time.Second)

		if before != store.Pending {
			t.Fatal("the deadline ended early")
		}
	}

	h.waitFor("the first indicator", func() bool { return shown() == 1 })

	for n := 2; n <= 4; n++ {
		tick()
		h.waitFor("the next indicator", func() bool { return shown() == n })
	}

	h.post("key", h.answerTo("wamid.1", "Ten euros."))
	h.waitSent(1)
	tick()
	h.waitFor("the end of the wait", func() bool { return h.deadline("wamid.1").Event.State == store.Done })
	h.clock.Advance(time.Minute)
	h.waitIdle()

	if got := shown(); got != 4 {
		t.Errorf("the indicator was shown %d times, want 4: none after the answer", got)
	}
}

func TestNoTypingUntilTheLaterAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		adjust   func(*config.Config)
		delivery []byte
		shown    int // the read receipt of the question
		pause    bool
		takeover bool
	}{
		"switched off": {adjust: withoutTyping, delivery: textDelivery(ana, "wamid.1", "hi")},
		"in a group": {
			delivery: messagesDelivery(`"messages":[{"id":"wamid.1","from":"573001234567","group_id":"g","type":"text","text":{"body":"hi"}}]`),
			shown:    1,
		},
		"during a pause":   {delivery: textDelivery(ana, "wamid.1", "hi"), shown: 1, pause: true},
		"people take over": {delivery: textDelivery(ana, "wamid.1", "hi"), shown: 1, takeover: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, tc.adjust)
			h.reply = answersLater
			h.start()
			h.deliver(http.StatusOK, tc.delivery)
			h.waitAsked("wamid.1")

			if tc.pause {
				h.pauseNumber()
			}

			if tc.takeover {
				h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
			}

			for range 5 {
				h.clock.Advance(20 * time.Second)
				h.waitFor("a look at the question", func() bool {
					schedule, _, err := h.Local.Store().Schedule(t.Context(), time.Time{})
					due := schedule[store.Statuses].NextDue

					return err == nil && (due.IsZero() || due.After(h.clock.Now()))
				})
			}

			if got := len(h.Graph.Recorder.Calls(readReceipts)); got != tc.shown {
				t.Errorf("%d read receipts and indicators, want %d", got, tc.shown)
			}
		})
	}
}

// TestLaterAnswerAfterARestart stops the receiver between question and answer, and starts it again after the deadline. The
// answer gets a moment to arrive.
func TestLaterAnswerAfterARestart(t *testing.T) {
	h := newHarness(t, withFallback)
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "how much is it?"))
	h.waitAsked("wamid.1")
	h.waitAsked("wamid.2")
	h.stop()
	h.clock.Advance(time.Hour)
	h.start()
	h.post("key", h.answerTo("wamid.1", "Ten euros."))
	h.waitSent(1)
	h.clock.Advance(20 * time.Second)
	h.waitIdle()

	if diff := cmp.Diff([]string{"Ten euros.", "**Sorry**, please write again."}, sentTexts(h.waitSent(2))); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// TestQuestionsAreSettledOtherwise checks that nothing is sent at the deadline of a question that needs no answer any more.
func TestQuestionsAreSettledOtherwise(t *testing.T) {
	for name, settle := range map[string]func(*harness){
		"a colleague takes over": func(h *harness) { h.deliver(http.StatusOK, echo(ana, "wamid.echo")) },
		"and gives back": func(h *harness) {
			h.deliver(http.StatusOK, echo(ana, "wamid.echo"))
			h.clock.Advance(13 * time.Hour)
		},
		"the person deletes it": func(h *harness) {
			h.deliver(http.StatusOK, messagesDelivery(fmt.Sprintf(
				`"messages":[{"from":%q,"id":"wamid.2","type":"revoke","revoke":{"original_message_id":"wamid.1"}}]`, ana)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, withFallback)
			h.reply = answersLater
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much is it?"))
			h.waitAsked("wamid.1")
			settle(h)
			h.waitFor("conversation idle", func() bool { return h.stats().Pending == 0 })
			h.waitDeadline("wamid.1")
			h.waitIdle()
			h.waitSent(0)
		})
	}
}

// TestAnswerToAnEditedQuestion checks that an answer to the edit of a question settles the question, and that an empty one does not.
func TestAnswerToAnEditedQuestion(t *testing.T) {
	const sorry = "Sorry, please write again."

	for name, tc := range map[string]struct {
		edited func(method string, request map[string]any) any
		post   bool // whether the AI posts an answer to the edit
		want   []string
	}{
		"answered": {
			edited: func(string, map[string]any) any { return map[string]any{"response": "Ten, then."} },
			want:   []string{"Ten, then."},
		},
		"answered later": {
			edited: answersLater,
			post:   true,
			want:   []string{"Ten, then."},
		},
		"never answered": {
			edited: answersLater,
			want:   []string{sorry},
		},
		"noted": {
			edited: func(string, map[string]any) any { return map[string]any{"response": nil} },
			want:   []string{sorry},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := newHarness(t, func(c *config.Config) { withoutTyping(c); c.Processing.FallbackText = sorry })
			h.reply = func(method string, request map[string]any) any {
				if method == "process_message_edit" {
					return tc.edited(method, request)
				}

				return answersLater(method, request)
			}
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "send 100 boxes"))
			h.waitAsked("wamid.1")
			h.deliver(http.StatusOK, editDelivery("wamid.edit", "wamid.1", "send 10 boxes"))
			h.waitAsked("wamid.edit")

			if tc.post {
				h.post("key", h.answerTo("wamid.edit", "Ten, then."))
			}

			h.waitDeadline("wamid.1")
			h.waitIdle()

			if diff := cmp.Diff(tc.want, sentTexts(h.Graph.Sent())); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLaterAnswerToTexts checks that texts which are answered together are one question.
func TestLaterAnswerToTexts(t *testing.T) {
	h := newHarness(t, func(c *config.Config) { withFallback(c); c.Processing.Debounce = time.Minute })
	h.reply = answersLater
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "how much"))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "is it?"))
	h.waitFor("the texts to wait", h.nothingDue)
	h.clock.Advance(time.Minute)
	h.waitAsked("wamid.1")
	h.waitAsked("wamid.2")

	if asked := h.birdRequests(); len(asked) != 1 {
		t.Errorf("%d questions, want one", len(asked))
	}

	h.waitDeadline("wamid.1")
	h.waitIdle()
	h.waitSent(1)
}

// TestLaterAnswersKeepTheOrder checks that the messages which the AI posts go out in the order in which they were stored,
// and before the answer to the next question.
func TestLaterAnswersKeepTheOrder(t *testing.T) {
	h := newHarness(t, withFallback)
	h.reply = func(method string, request map[string]any) any {
		if request["text"] == "slow" {
			return answersLater(method, request)
		}

		return standin.EchoReply(method, request)
	}
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "slow"))
	h.waitAsked("wamid.1")

	sending, accept := h.holdSend()
	first := h.answerTo("wamid.1", "one")
	first.Final = false
	h.post("key 1", first)
	<-sending
	h.post("key 2", h.answerTo("wamid.1", "two"))
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "next"))
	close(accept)

	sent := sentTexts(h.waitSent(3))
	if sent[0] != "one" || sent[1] != "two" || !strings.Contains(sent[2], "next") {
		t.Errorf("sent %q, want the two answers and the answer to the next question", sent)
	}
}

// TestProbeThatIsAnsweredLater checks that an AI which accepts a question is taken for available.
func TestProbeThatIsAnsweredLater(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Bird.CircuitBreaker.FailureThreshold = 1
	})
	h.reply = answersLater
	h.Bird.Faults.Add(standin.Fault{Status: http.StatusBadGateway, Times: 3})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "one"))
	h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "two"))
	h.waitAsked("wamid.1")
	h.waitAsked("wamid.2")
	h.waitFor("the circuit to close", func() bool { return len(h.status().ClosedScopes) == 0 })
}
