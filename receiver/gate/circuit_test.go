// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

func TestCircuitOpensAfterFailuresOfSeveralEvents(t *testing.T) {
	f := newFixture(t)
	text := Ask(textMethod)

	for n := range threshold - 1 {
		f.mustCall(text, n, outage, true)
	}

	f.mustCall(text, 5, nil, true) // a success resets the count

	for n := range threshold {
		f.mustCall(Ask(imageMethod), n, outage, true)
	}

	if got := f.wait(text); got != openDuration {
		t.Fatalf("the circuit is open for %s, want %s", got, openDuration)
	}

	f.clock.Advance(openDuration)
	f.mustCall(text, 6, outage, true) // the probe fails and opens the circuit again
	f.mustCall(text, 6, nil, false)
	f.clock.Advance(openDuration)
	f.mustCall(text, 6, nil, true)
	f.mustCall(text, 7, nil, true)
}

func TestOneFailingEventOpensNoCircuit(t *testing.T) {
	f := newFixture(t)

	for range 10 * threshold {
		f.mustCall(Ask(textMethod), 1, outage, true)
	}

	f.mustCall(Ask(textMethod), 2, nil, true)
}

func TestFailuresOfOneMessageOpenNoCircuit(t *testing.T) {
	for name, f := range map[string]*failure.Error{
		"refused":          {Class: failure.Permanent, Code: "http_422"},
		"in progress":      {Class: failure.Transient, Code: "http_409"},
		"limited":          {Class: failure.RateLimited, Scope: failure.ScopeAI, Code: "http_429"},
		"template needed":  {Class: failure.TemplateRequired, Code: "131047"},
		"unreadable reply": {Class: failure.Permanent, Code: "bad_response"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newFixture(t)

			for n := range 5 {
				call := Ask(textMethod)
				call.Queued = true
				g.mustCall(call, n, f, true)
				g.clock.Advance(10 * time.Second)
			}
		})
	}
}

func TestFilesHaveTheirOwnCircuits(t *testing.T) {
	for _, tc := range []struct {
		broken  Call
		working []Call
	}{
		{Download(), []Call{Upload(), Ask(imageMethod), person(1), Lookup("waba")}},
		{Upload(), []Call{Download(), Ask(imageMethod), person(1), Lookup("waba")}},
		{Ask(imageMethod), []Call{Download(), Upload()}},
		{person(1), []Call{Download(), Upload()}},
	} {
		f := newFixture(t)
		start := f.clock.Now()

		for n := range threshold {
			f.clock.Advance(time.Second) // for the throughput of the number
			f.mustCall(tc.broken, n, outage, true)
		}

		f.mustCall(tc.broken, 9, nil, false)

		for _, call := range tc.working {
			f.mustCall(call, 9, nil, true)
		}

		if f.AnsweredSince(tc.broken, start) {
			t.Errorf("%v has answered, want the failures alone", tc.broken.Scopes)
		}
	}
}

func TestStatusesHaveTheirOwnCircuit(t *testing.T) {
	const method = "notify_bird_status_change"

	for _, tc := range []struct{ broken, working Call }{
		{Notify(method), Ask(textMethod)},
		{Ask(textMethod), Notify(method)},
	} {
		f := newFixture(t)

		for n := range threshold {
			f.mustCall(tc.broken, n, outage, true)
		}

		f.mustCall(tc.broken, 9, nil, false)
		f.mustCall(tc.working, 9, nil, true)
	}
}

func TestCanceledProbeHasNoResult(t *testing.T) {
	f := newFixture(t)
	f.mustCall(Ask(textMethod), 0, refusal(failure.ScopeAI, "http_401"), true)
	f.clock.Advance(time.Minute)

	probe := f.enter(Ask(textMethod), 0)
	f.mustCall(Ask(textMethod), 1, nil, false)
	probe.Cancel()
	probe.Cancel()
	f.mustCall(Ask(textMethod), 1, nil, true)
}

func TestLateResultsDoNotChangeTheCircuit(t *testing.T) {
	f := newFixture(t)
	slow := f.enter(Ask(textMethod), 0)
	failing := f.enter(Ask(textMethod), 1)

	for n := range threshold {
		f.mustCall(Ask(textMethod), n, outage, true)
	}

	f.done(slow, nil)
	f.mustCall(Ask(textMethod), 0, nil, false)
	f.clock.Advance(openDuration)

	probe := f.enter(Ask(textMethod), 2)
	f.done(failing, outage)
	f.mustCall(Ask(textMethod), 3, nil, false) // the probe goes on
	f.done(probe, nil)
	f.mustCall(Ask(textMethod), 3, nil, true)
}

func TestNewCredentialOpensItsScopes(t *testing.T) {
	f := newFixture(t)
	f.mustCall(Ask(textMethod), 0, refusal(failure.ScopeAI, "http_401"), true)
	f.mustCall(person(0), 0, refusal(failure.ScopeApp, "190"), true)
	f.mustCall(person(1), 1, nil, false)

	settings := f.Live.Current()
	f.Live = config.Fixed(settings.Config, config.Secrets{AccessToken: "new"})
	f.mustCall(person(1), 1, nil, true)
	f.mustCall(Ask(textMethod), 0, nil, false)

	f.Live = config.Fixed(settings.Config, config.Secrets{AccessToken: "new", BirdAccessKey: "new"})
	f.mustCall(Ask(textMethod), 0, nil, true)

	if f.opened != 2 {
		t.Errorf("opened was called %d times, want 2", f.opened)
	}
}

func TestNewAuthoritiesOpenTheScopesOfMeta(t *testing.T) {
	f := newFixture(t)
	f.mustCall(person(0), 0, refusal(failure.ScopeApp, "untrusted_certificate"), true)
	f.mustCall(person(1), 1, nil, false)

	f.Live = config.Fixed(f.Live.Current().Config, config.Secrets{MetaCA: "new"})
	f.mustCall(person(1), 1, nil, true)
}

func TestNewSettingOfTheAIOpensItsScopes(t *testing.T) {
	before := config.Config{OpenAI: &config.OpenAI{Model: "small"}}

	for name, change := range map[string]func(*config.Config, *config.Secrets){
		"key of the model": func(_ *config.Config, s *config.Secrets) { s.OpenAIKey = "new" },
		"signing key":      func(_ *config.Config, s *config.Secrets) { s.FlowSigningKey = "new" },
		"authorities":      func(_ *config.Config, s *config.Secrets) { s.AICA = "new" },
		"model":            func(c *config.Config, _ *config.Secrets) { c.OpenAI = &config.OpenAI{Model: "large"} },
		"protocol":         func(c *config.Config, _ *config.Secrets) { c.OpenAI = nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.Live = config.Fixed(before, config.Secrets{})
			f.mustCall(Ask(textMethod), 0, refusal(failure.ScopeAI, "http_401"), true)
			f.mustCall(Ask(textMethod), 0, nil, false)

			next, secrets := before, config.Secrets{}
			change(&next, &secrets)
			f.Live = config.Fixed(next, secrets)
			f.mustCall(Ask(textMethod), 0, nil, true)
		})
	}
}

func TestUnknownOutcomeOpensNothing(t *testing.T) {
	f := newFixture(t)
	f.mustCall(person(0), 0, limit(failure.ScopeNumber, 0), true)
	f.clock.Advance(time.Second)
	f.mustCall(person(0), 0, &failure.Error{Class: failure.Ambiguous}, true)

	probe := f.enter(person(1), 1)
	if !probe.IsProbe() {
		t.Error("the number is open after a send with unknown outcome, want another probe")
	}
}

func TestAnswersTellAFailingEventFromAnOutage(t *testing.T) {
	f := newFixture(t)
	failed := f.clock.Now()
	f.mustCall(Ask(textMethod), 1, outage, true)

	if f.AnsweredSince(Ask(textMethod), failed) {
		t.Error("Bird has answered, want no answer yet")
	}

	f.clock.Advance(time.Second)
	f.mustCall(Ask(imageMethod), 2, nil, true)

	if !f.AnsweredSince(Ask(textMethod), failed) {
		t.Error("Bird has not answered, want the answer to the other event")
	}
}
