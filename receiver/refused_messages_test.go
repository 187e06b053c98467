// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// injection is a text that a firewall in front of the AI does not let pass.
const injection = "' OR 1=1 --"

// newFirewallHarness starts a harness whose AI has one address, with a firewall in front of it.
func newFirewallHarness(t *testing.T, protocol config.Protocol) *harness {
	t.Helper()

	const page = "<html>Request blocked</html>"

	if protocol == config.ProtocolFlow {
		h := newHarness(t, func(c *config.Config) {
			withFlow(c)
			byDefault(c)
		})
		h.reply = func(method string, request map[string]any) any {
			if request["text"] == injection {
				return standin.Answer{Status: http.StatusForbidden, Body: page}
			}

			return standin.EchoReply(method, request)
		}

		return h
	}

	h := newModelHarness(t, func(c *config.Config) {
		byDefault(c)
		c.OpenAI.CircuitBreaker = config.CircuitBreaker{}
	})
	h.chat = func(call standin.ChatCall) any {
		if strings.HasPrefix(call.Last("user"), "'") {
			return standin.OpenAIError{Status: http.StatusForbidden, Message: "Request blocked"}
		}

		return standin.EchoChat(call)
	}

	return h
}

// TestRefusedMessagesDelayNoOther refuses messages as a bridge does that does not know their senders.
func TestRefusedMessagesDelayNoOther(t *testing.T) {
	const unknown = "poison"

	h := newHarness(t, byDefault)
	h.reply = func(method string, request map[string]any) any {
		if request["text"] == unknown {
			return standin.Answer{
				Status: http.StatusNotFound,
				Body:   map[string]any{"error": map[string]any{"code": "CONTACT_NOT_FOUND"}},
			}
		}

		return standin.EchoReply(method, request)
	}

	h.checkRefusedDelayNoOther(unknown)
}

func TestFirewallDelaysNoOther(t *testing.T) {
	for _, protocol := range []config.Protocol{config.ProtocolFlow, config.ProtocolOpenAI} {
		t.Run(string(protocol), func(t *testing.T) {
			newFirewallHarness(t, protocol).checkRefusedDelayNoOther(injection)
		})
	}
}

// checkRefusedDelayNoOther checks that messages with a text that is refused delay none of other people, and end as dead letters.
func (h *harness) checkRefusedDelayNoOther(text string) {
	h.t.Helper()

	const refused = 5

	h.start()

	for i := range refused {
		h.deliver(http.StatusOK, textDelivery(person(1000+i), fmt.Sprint("wamid.poison", i), text))
	}

	for i := range 30 {
		h.deliver(http.StatusOK, textDelivery(person(i), fmt.Sprint("wamid.", i), "hello"))
		h.waitSent(i + 1)

		if i%3 == 0 {
			h.pass(31*time.Second, 31*time.Second)
		}
	}

	h.pass(10*time.Minute, 31*time.Second)

	for i := range refused {
		if got := h.record(fmt.Sprint("wamid.poison", i)).Event.State; got != store.Dead {
			h.t.Errorf("refused message %d is %s, want a dead letter after its bound", i, got)
		}
	}
}

// TestUnpublishedFlowLosesNothing checks that messages of every type wait while a flow that has answered is not published,
// however many they are.
func TestUnpublishedFlowLosesNothing(t *testing.T) {
	for _, people := range []int{1, 4, 20} {
		t.Run(fmt.Sprint(people), func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withFlow(c)
				byDefault(c)
			})
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.first", "hello"))
			h.waitSent(1)

			h.Flow.SetPublished(false)
			h.deliverTexts(people / 2)

			for i := people / 2; i < people; i++ {
				location := map[string]any{"latitude": 4.6, "longitude": -74.1}
				h.deliver(http.StatusOK, standin.MessageDelivery(number, person(i), "P", fmt.Sprint("wamid.", i), "location", location, time.Now()))
			}

			h.waitFor("the messages wait", h.nothingDue)
			h.pass(5*time.Hour, time.Minute)

			if stats := h.stats(); stats.DeadLetters != 0 {
				t.Errorf("%d dead letters, want none", stats.DeadLetters)
			}

			if problems := h.status().Problems; len(problems) == 0 {
				t.Error("/status has no problem, want the flow that is not published")
			}

			h.Flow.SetPublished(true)
			h.pass(20*time.Minute, 10*time.Second)
			h.waitSent(people + 1)
		})
	}
}
