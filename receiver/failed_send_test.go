// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestRateLimitPausesOnlyItsScope(t *testing.T) {
	for name, tc := range map[string]struct {
		code         int
		pausesOthers bool // sends to another person pause too
	}{
		"limit of a person":   {code: 131056},
		"limit of the number": {code: 130429, pausesOthers: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withoutTyping(c)
				c.Processing.Retry.BaseDelay = time.Hour
				c.Processing.Retry.MaxDelay = time.Hour
			})
			h.refuseSend(tc.code)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "one"))
			h.waitFor("the rate limit is hit", func() bool { return len(h.record("wamid.1").Failures) == 1 })
			h.deliver(http.StatusOK, textDelivery(luis, "wamid.2", "two"))

			if tc.pausesOthers {
				h.waitFor("all events wait for the scope", h.allWait)

				if n := len(h.birdRequests()); n != 1 {
					t.Errorf("Bird was asked %d times, want only before the limit was hit", n)
				}

				if n := len(h.Graph.Sent()); n != 0 || h.Graph.Recorder.Total() != 1 {
					t.Errorf("%d messages sent by %d calls while the number is limited, want no call", n, h.Graph.Recorder.Total())
				}
			} else if got := h.waitSent(1)[0].Text; got != "You said: two" {
				t.Errorf("sent %q, want the other person's answer", got)
			}

			calls := h.Graph.Recorder.Total()
			h.stop()
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.3", "three"))

			_, pauses, err := h.Local.Store().Schedule(t.Context(), time.Now())
			if err != nil || len(pauses) != 1 {
				t.Errorf("after a restart, pauses = %v, %v; want only that of the scope", pauses, err)
			}

			if got := h.Graph.Recorder.Total(); got != calls {
				t.Errorf("Graph was called %d times after a restart within the pause, want never", got-calls)
			}
		})
	}
}

// allWait reports whether no message is processed or due soon.
func (h *harness) allWait() bool {
	schedules, _, err := h.Local.Store().Schedule(h.t.Context(), h.clock.Now())

	return err == nil && schedules[store.Conversations].NextDue.After(h.clock.Now().Add(10*time.Minute))
}

func TestErrorPolicyOverridesTheTable(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.ErrorPolicies = map[int]config.ErrorPolicy{131026: {Class: "rate_limited", Scope: "pair"}}
	})
	h.refuseSend(131026)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
}

func TestTemplateRequired(t *testing.T) {
	for name, template := range map[string]string{"with a template": "come_back", "without one": ""} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withoutTyping(c)

				if template != "" {
					c.Processing.FallbackTemplate = config.FallbackTemplate{Name: template, Language: "es"}
				}
			})
			h.refuseSend(131047)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitIdle()

			if template != "" {
				if got := h.waitSent(1)[0]; got.Type != "template" {
					t.Errorf("sent %s, want the template", got.Type)
				}

				return
			}

			h.waitSent(0)

			if got := h.record("wamid.1").Event.State; got != store.Dead {
				t.Errorf("state = %s, want a dead letter", got)
			}

			if n := len(h.sink.notices("template.required")); n != 1 {
				t.Errorf("%d notices that a template is required, want 1", n)
			}
		})
	}
}

func TestFailedStatus(t *testing.T) {
	for name, tc := range map[string]struct {
		code, sent int
	}{
		"transient: sent again":            {code: 131000, sent: 2},
		"permanent: not sent again":        {code: 131026, sent: 1},
		"withheld by Meta: not sent again": {code: 131049, sent: 1},
		"rate limited: sent again":         {code: 130429, sent: 2},
		"unknown code: not sent again":     {code: 999999, sent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			first := h.waitSent(1)[0]
			h.waitIdle()
			h.deliver(http.StatusOK, standin.FailedDelivery(number, first.ID, ana, first.Callback, tc.code, time.Now()))
			h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
			h.waitIdle()

			sent := h.waitSent(tc.sent)
			if last := sent[len(sent)-1]; last.Text != first.Text {
				t.Errorf("sent again %q, want the same message", last.Text)
			}

			if tc.sent == 2 && sent[1].Callback != first.Callback+":1" {
				t.Errorf("callback of the resend = %q, want %q and its number", sent[1].Callback, first.Callback)
			}

			if asked := h.birdRequests(); len(asked) != 1 {
				t.Errorf("Bird was asked %d times, want once", len(asked))
			}
		})
	}
}

// Meta downloads linked media itself, for each send. A busy server may serve it later; a missing file stays missing.
func TestMediaThatMetaCouldNotDownload(t *testing.T) {
	for details, wantSent := range map[string]int{
		"Fetching the link failed with HTTP 429":                                             2,
		"Downloading media from weblink failed with http code 404, status message Not Found": 1,
	} {
		t.Run(details, func(t *testing.T) {
			h := newHarness(t, withoutTyping)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			first := h.waitSent(1)[0]
			h.waitIdle()

			failed := standin.FailedDelivery(number, first.ID, ana, first.Callback, 131053, time.Now())
			withDetails := bytes.Replace(failed, []byte(`"details":"Media upload error"`), []byte(`"details":"`+details+`"`), 1)

			if bytes.Equal(failed, withDetails) {
				t.Fatalf("the delivery has no such details: %s", failed)
			}

			h.deliver(http.StatusOK, withDetails)
			h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
			h.waitIdle()
			h.waitSent(wantSent)
		})
	}
}

func TestClosedWindowReportedByStatus(t *testing.T) {
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.FallbackTemplate = config.FallbackTemplate{Name: "come_back", Language: "es"}
	})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	first := h.waitSent(1)[0]
	h.waitIdle()
	h.deliver(http.StatusOK, standin.FailedDelivery(number, first.ID, ana, first.Callback, 131047, time.Now()))

	if got := h.waitSent(2)[1]; got.Type != "template" {
		t.Errorf("sent %s %q, want the template", got.Type, got.Text)
	}

	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "I am back"))

	if got := h.waitSent(3)[2]; got.Text != "You said: I am back" {
		t.Errorf("sent %s %q, want an answer: the person opened the window", got.Type, got.Text)
	}
}

// TestWindowReportedAsClosedBeforeAMessage processes a late report that the window is closed: the person has written since.
func TestWindowReportedAsClosedBeforeAMessage(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	first := h.waitSent(1)[0]
	h.waitIdle()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.2", "are you there?"))
	h.waitSent(2)
	h.waitIdle()
	h.deliver(http.StatusOK, standin.FailedDelivery(number, first.ID, ana, first.Callback, 131047, time.Now().Add(-time.Hour)))
	h.waitFor("status processed", func() bool { return len(h.sink.notices("message.failed")) == 1 })
	h.waitIdle()

	state, err := h.Local.Store().Conversation(t.Context(), number+":"+ana)
	if err != nil || state.TemplateRequired {
		t.Errorf("conversation %+v, %v; want that it requires no template", state, err)
	}

	if got, want := h.waitSent(3)[2].Text, first.Text; got != want {
		t.Errorf("sent %q, want %q again", got, want)
	}
}
