// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// later sets the clock ahead, so that waits of the receiver are over.
func (f *fixture) later(d time.Duration) {
	f.Helper()

	if status := f.call(http.MethodPost, "/api/clock", Advance{Advance: d.String()}, nil); status != http.StatusOK {
		f.Fatalf("POST /api/clock: %d", status)
	}
}

// waitOff waits until a fault is over.
func (f *fixture) waitOff(name string) {
	f.Helper()

	wait(f, StreamFault, func(t Fault) bool { return t.Name == name && !t.On })
	wait(f, StreamTrace, func(t Trace) bool {
		return t.Kind == TraceFault && t.Code == name && strings.HasPrefix(t.Title, "Fault over")
	})
}

func TestFaultsOfTheAIEnd(t *testing.T) {
	f := start(t, Options{})

	for _, c := range []struct{ name, question, failure string }{
		{FaultAIDown, "→ 503", "attempt failed, will retry"},
		{FaultAI429, "→ 429", ""},
	} {
		f.turn(c.name, true)
		f.trace(TraceFault, "Fault: ")

		sent := f.text("hello")
		question := f.trace(TraceQuestion, "process_text_message "+c.question)

		if question.EventID != sent.EventID || question.Level != LevelError {
			t.Errorf("%s: the question is %+v", c.name, question)
		}

		if c.failure != "" {
			failure := f.trace(TraceFailure, c.failure)
			if !strings.Contains(failure.Detail, "next attempt in") || failure.EventID != sent.EventID {
				t.Errorf("%s: the failure is %+v", c.name, failure)
			}
		}

		f.turn(c.name, false)
		f.waitOff(c.name)
		f.later(time.Minute)

		if answer := f.answer(); answer.Text != "You said: hello" {
			t.Errorf("%s: answered %q", c.name, answer.Text)
		}
	}
}

func TestSlowAI(t *testing.T) {
	f := start(t, Options{})
	f.turn(FaultAISlow, true)
	f.text("hello")
	wait(f, StreamTyping, func(t Typing) bool { return t.On })
	f.turn(FaultAISlow, false) // the answer comes at once
	wait(f, StreamTyping, func(t Typing) bool { return !t.On })
	f.answer()
}

func TestGarbageOfTheAI(t *testing.T) {
	f := start(t, Options{})
	f.turn(FaultAIGarbage, true)
	f.text("hello")

	if answer := f.answer(); answer.Text != FallbackText || answer.Sender != SenderReceiver {
		t.Errorf("answered %q by %s", answer.Text, answer.Sender)
	}

	if dead := f.trace(TraceFailure, "message dead-lettered"); dead.Code != "bad_response" {
		t.Errorf("the dead letter is %+v", dead)
	}

	f.turn(FaultAIGarbage, false)
	f.text("hello again")

	if answer := f.answer(); answer.Text != "You said: hello again" {
		t.Errorf("answered %q", answer.Text)
	}
}

func TestBadSignature(t *testing.T) {
	f := start(t, Options{})
	f.turn(FaultBadSignature, true)
	f.text("hello")

	if forged := f.trace(TraceDelivery, "forged"); forged.Code != "401" {
		t.Errorf("the forged delivery is %+v", forged)
	}

	f.waitOff(FaultBadSignature)
	f.answer()
}

func TestDuplicate(t *testing.T) {
	f := start(t, Options{})
	f.turn(FaultDuplicate, true)

	sent := f.text("hello")

	f.waitOff(FaultDuplicate)
	f.text("and now")
	wait(f, StreamMessage, func(m Message) bool { return m.Text == "You said: and now" })

	var deliveries, answers int

	for _, trace := range f.state().Traces {
		if trace.Kind == TraceDelivery && trace.EventID == sent.EventID && trace.Level == LevelOK {
			deliveries++
		}
	}

	for _, m := range f.state().Messages {
		if m.From == FromBusiness && m.EventID == sent.EventID {
			answers++
		}
	}

	if deliveries != 3 || answers != 1 {
		t.Errorf("%d deliveries have %d answers, want 3 and 1", deliveries, answers)
	}
}

func TestOutOfOrder(t *testing.T) {
	f := start(t, Options{})
	f.turn(FaultOutOfOrder, true)

	f.text("first")
	f.trace(TraceFault, "held back")
	f.text("second")

	if answer := f.answer(); answer.Text != "You said: second" {
		t.Errorf("the first answer is %q", answer.Text)
	}

	if answer := f.answer(); answer.Text != "You said: first" {
		t.Errorf("the second answer is %q", answer.Text)
	}

	read := f.trace(TraceStatus, "read → 200")

	for _, status := range []string{"delivered", "sent"} {
		later := wait(f, StreamTrace, func(t Trace) bool {
			return t.EventID == read.EventID && strings.Contains(t.Title, status+" → 200")
		})
		if later.Seq < read.Seq {
			t.Errorf("%s was delivered before read", status)
		}
	}

	f.turn(FaultOutOfOrder, false)
	f.waitOff(FaultOutOfOrder)
	f.text("third")
	f.answer()
}

func TestFaultsOfSendsEnd(t *testing.T) {
	f := start(t, Options{})

	for name, code := range map[string]string{
		FaultRateLimit:    "131056",
		FaultTokenRefused: "190",
	} {
		f.turn(name, true)

		sent := f.text("hello")
		refused := wait(f, StreamTrace, func(t Trace) bool { return t.EventID == sent.EventID && t.Code == code })

		if refused.Level != LevelError {
			t.Errorf("%s: %+v", name, refused)
		}

		wait(f, StreamTrace, func(t Trace) bool { return t.EventID == sent.EventID && strings.HasPrefix(t.Title, "Receiver: ") })
		f.turn(name, false)
		f.waitOff(name)
		f.later(10 * time.Minute)

		if answer := f.answer(); answer.Text != "You said: hello" {
			t.Errorf("%s: answered %q", name, answer.Text)
		}
	}
}

func TestSendOfUnknownOutcome(t *testing.T) {
	f := start(t, Options{})
	f.turn(FaultSendUnknown, true)
	f.text("hello")

	answer := f.answer()

	f.trace(TraceSend, "no answer")
	f.trace(TraceEvent, "message processed")

	for _, m := range f.state().Messages {
		if m.From == FromBusiness && m.ID != answer.ID {
			t.Errorf("the person got the answer twice: %+v", m)
		}
	}

	if state := f.state(); state.Faults[8].Name != FaultSendUnknown || state.Faults[8].On {
		t.Errorf("the fault is %+v", state.Faults[8])
	}
}

func TestDayLater(t *testing.T) {
	f := start(t, Options{})
	f.text("hello")
	f.answer()
	f.turn(FaultDayLater, true)

	if refused := f.trace(TraceLater, "AI posts a message unasked → 422"); refused.Code != "window_closed" {
		t.Errorf("the message is %+v", refused)
	}

	f.waitOff(FaultDayLater)

	if ahead := f.state().Clock.AheadSeconds; ahead < 24*60*60 {
		t.Errorf("the clock is %d s ahead", ahead)
	}

	f.text("hello again")

	if answer := f.answer(); answer.Text != "You said: hello again" {
		t.Errorf("answered %q", answer.Text)
	}
}

func TestPeopleTakeOver(t *testing.T) {
	f := start(t, Options{})

	if status := f.call(http.MethodPut, "/api/faults/"+FaultPeople, Switch{On: true}, nil); status != http.StatusConflict {
		t.Errorf("the conversation of a person who never wrote was answered %d", status)
	}

	f.text("hello")
	f.answer()
	f.turn(FaultPeople, true)
	wait(f, StreamPerson, func(p Person) bool { return p.Handler == HandlerPeople })
	f.text("is anyone there?")
	f.trace(TraceDesk, "human_message → 204")

	if answer := f.answer(); answer.Text != "A colleague says: is anyone there?" || answer.Sender != SenderPeople {
		t.Errorf("answered %q by %s", answer.Text, answer.Sender)
	}

	f.turn(FaultPeople, false)
	wait(f, StreamPerson, func(p Person) bool { return p.Handler == HandlerAI })
	f.text("hello again")

	if answer := f.answer(); answer.Text != "You said: hello again" || answer.Sender != SenderAI {
		t.Errorf("answered %q by %s", answer.Text, answer.Sender)
	}
}

func TestTheAIHandsOver(t *testing.T) {
	f := start(t, Options{})
	f.text("person please")
	wait(f, StreamFault, func(t Fault) bool { return t.Name == FaultPeople && t.On })
	f.turn(FaultPeople, false)
	wait(f, StreamPerson, func(p Person) bool { return p.Handler == HandlerAI })
}

func TestReset(t *testing.T) {
	f := start(t, Options{})
	f.text("hello")
	f.answer()
	f.turn(FaultAIDown, true)

	before := f.state()

	if status := f.call(http.MethodPost, "/api/reset", nil, nil); status != http.StatusNoContent {
		t.Fatalf("POST /api/reset: %d", status)
	}

	wait(f, StreamReset, func(struct{}) bool { return true })

	after := f.state()
	if len(after.Messages) != 0 || after.Faults[0].On || after.People[0].Number == before.People[0].Number {
		t.Errorf("after the reset there is %+v", after)
	}

	f.text("hello again")

	if answer := f.answer(); answer.Person != after.People[0].ID {
		t.Errorf("%q got the answer", answer.Person)
	}
}

func TestUnknownFault(t *testing.T) {
	f := start(t, Options{})
	if status := f.call(http.MethodPut, "/api/faults/flood", Switch{On: true}, nil); status != http.StatusNotFound {
		t.Errorf("answered %d", status)
	}
}
