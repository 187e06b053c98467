// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bridgetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// largeFile is the size of a file that the contract sends as a form by default, in bytes.
const largeFile = 5 << 20

// steps returns all checks of the test, in order.
func (t *tester) steps() []step {
	steps := []step{{"reachable", assistant.ProcessText, t.reachable}}

	for _, m := range Methods() {
		switch {
		case t.wants(m):
			steps = append(steps, t.methodSteps(m)...)
		case len(t.Methods) == 0 && !t.Flow && slices.Contains(offMethods, m):
			steps = append(steps, step{string(m), m, func(_ context.Context, check *Check) {
				check.note(OK, "receivers call it only if bird.endpoints or bird.media.mode switches it on",
					"Test it with --method "+string(m)+".")
				check.State = Skipped
			}})
		}
	}

	steps = append(steps, step{"wrong key", assistant.ProcessText, t.wrongKey})

	if t.wants(assistant.ProcessText) {
		steps = append(steps, t.textSteps()...)
	}

	return append(steps,
		step{"connection reuse", assistant.ProcessText, t.connections},
		step{"latency", assistant.ProcessText, t.latency},
	)
}

// reachable asks about a text. If the bridge refuses it for a reason that concerns all requests, nothing else is tested.
func (t *tester) reachable(ctx context.Context, check *Check) {
	r := t.ask(ctx, t.with(nil), t.person.text("hola"), &trace{})

	r.show(check)

	if r.fault == nil {
		return
	}

	if r.call.status == 0 || r.fault.Class == failure.Configuration {
		t.recordFault(check, r)

		t.blocked = "the bridge cannot be tested: " + check.Detail
	}
}

// methodSteps returns the checks of one method.
func (t *tester) methodSteps(m assistant.Method) []step {
	ask := func(request func() assistant.Request) func(context.Context, *Check) {
		return func(ctx context.Context, check *Check) { t.single(ctx, check, t.with(nil), request()) }
	}

	switch {
	case m == assistant.ProcessText:
		return []step{{string(m), m, ask(func() assistant.Request { return t.person.text("hola") })}}
	case m == assistant.NotifyStatus:
		var steps []step
		for _, status := range []string{"sent", "delivered", "read", "failed", "captured"} {
			steps = append(steps, step{
				string(m) + ": " + status,
				m,
				ask(func() assistant.Request { return t.person.status(status) }),
			})
		}

		return steps
	case m.MediaKey() == "":
		return []step{{string(m), m, ask(func() assistant.Request { return t.person.message(m) })}}
	case t.Flow:
		return []step{{string(m), m, ask(func() assistant.Request { return t.person.file(m) })}}
	default:
		return t.fileSteps(m)
	}
}

// fileSteps returns the checks of a method with media: in each transport, and of a large document.
func (t *tester) fileSteps(m assistant.Method) []step {
	var steps []step

	for _, transport := range transports {
		steps = append(steps, step{string(m) + ": " + transport.name, m, func(ctx context.Context, check *Check) {
			ai := t.with(func(c *config.Config, _ *config.Secrets) { c.Bird.Media.Transport = transport.setting })

			t.single(ctx, check, ai, t.person.file(m))
		}})
	}

	if m == assistant.ProcessDocument {
		steps = append(steps, step{string(m) + ": 5 MiB", m, func(ctx context.Context, check *Check) {
			r := t.ask(ctx, t.with(nil), t.person.large(largeFile), &trace{})

			r.show(check)
			t.checkAnswer(ctx, check, r)
		}})
	}

	return steps
}

// textSteps returns the checks for which a text is sent.
func (t *tester) textSteps() []step {
	const m = assistant.ProcessText

	ask := func(request func() assistant.Request) func(context.Context, *Check) {
		return func(ctx context.Context, check *Check) { t.single(ctx, check, t.with(nil), request()) }
	}
	text := func(name, words string) step {
		return step{"text: " + name, m, ask(func() assistant.Request { return t.person.text(words) })}
	}

	steps := []step{
		text("emoji", "👩‍👩‍👧‍👦 👍🏽 e\u0301 🇨🇴"),
		text("right to left", "مرحبا، هل أنتم مفتوحون؟ שלום \u200f123"),
		text("quotes and lines", "a \"b\" \\ 'c' <d> & {{e}} %s\n\tf\u2028g"),
		text("4,096 characters", string([]rune(strings.Repeat("¿Abren hoy? ", 350))[:4096])),
		text("longer than one message", strings.Repeat("¿Abren hoy? ", 1500)),
	}

	if !t.Flow { // a flow always gets a text, and may run twice
		steps = append(steps, text("empty", ""), step{"repeated key", m, t.repeatedKey})
	}

	return append(steps,
		step{"a person without a number", m, ask(t.person.hidden)},
		step{"a message in a group", m, ask(t.person.inGroup)},
		step{"context, referral and a second attempt", m, ask(t.person.replying)},
		step{"unknown properties", m, t.unknownProperties},
		step{"concurrent requests", m, t.concurrentRequests},
		step{"later answer", m, t.laterAnswer},
	)
}

// unknownProperties sends properties that a later version of the contract could have.
func (t *tester) unknownProperties(ctx context.Context, check *Check) {
	recorded := &trace{change: func(body map[string]json.RawMessage) {
		body["property_of_a_later_version"] = json.RawMessage(`{"a":[1,null]}`)
		body["contact_info"] = json.RawMessage(`{"wa_id":null,"name":"Ana","user_id":null,"username":null,"property_of_a_later_version":1}`)
	}}

	r := t.ask(ctx, t.with(nil), t.person.text("hola"), recorded)
	r.show(check)

	if r.fault != nil {
		check.note(Failure, fmt.Sprintf("a request with properties of a later version is refused: %s", r.fault.Text),
			"Ignore properties that you do not know: later versions of the receiver add some.")
	}
}

// wrongKey sends a key, and a signature, that are not the bridge's.
func (t *tester) wrongKey(ctx context.Context, check *Check) {
	skip := func(detail, fix string) {
		check.note(OK, detail, fix)
		check.State = Skipped
	}

	ai := t.with(func(_ *config.Config, s *config.Secrets) {
		s.BirdAccessKey = "wrong-" + s.BirdAccessKey
		s.FlowSigningKey = "wrong-" + s.FlowSigningKey
	})

	switch {
	case t.AuthScheme == config.AuthNone && t.SignatureHeader == "":
		skip("the flow has no key", "Let the flow check a key or a signature, or keep its URL secret.")
		return
	case t.Key == "" && t.AuthScheme != config.AuthNone:
		skip("the test does not know the key of the bridge", "Give it with --key or $BRIDGE_KEY.")
		return
	}

	r := t.ask(ctx, ai, t.person.text("hola"), &trace{})
	r.show(check)

	const fix = "Compare the key of each request with the one that you expect, and answer 401 if it is another."

	switch status := r.call.status; {
	case status == 401 || status == 403:
	case r.fault == nil:
		check.note(Failure, "the bridge accepts a wrong key: anyone who reaches it can write in the name of a person", fix)
	case status == 0:
		check.note(Warning, "a request with a wrong key gets no answer: "+r.fault.Text, fix)
	default:
		check.note(Warning, fmt.Sprintf("a wrong key is answered HTTP %d, not 401 or 403, so the receiver cannot detect a wrong key", status), fix)
	}
}

// connections checks whether requests one after the other use one connection.
func (t *tester) connections(ctx context.Context, check *Check) {
	var reused bool

	for range 2 {
		r := t.ask(ctx, t.with(nil), t.person.text("hola"), &trace{})
		if r.call.status == 0 {
			t.recordFault(check, r)
			return
		}

		reused = r.call.reused
	}

	if !reused {
		check.note(Warning, "the bridge closes the connection after an answer, so that each request connects anew",
			"Keep connections open (HTTP keep-alive): a new one costs time, above all with TLS.")
	}
}

// latency checks the times of all answers so far.
func (t *tester) latency(_ context.Context, check *Check) {
	if len(t.times) == 0 {
		check.note(OK, "no request was answered that could be measured", "")
		check.State = Skipped

		return
	}

	l := newLatency(t.times)
	check.note(OK, fmt.Sprintf("%s, of %d requests", l, l.Requests), "")

	if l.P95Milliseconds > slowAnswer.Milliseconds() {
		check.note(Warning, fmt.Sprintf("one of 20 answers takes longer than %s: people wait that long", seconds(slowAnswer)),
			"Answer sooner, or answer 202, and post a first text to the messages API at once (docs/answer-later.md).")
	}
}
