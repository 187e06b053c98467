// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// protocols select the protocol by which the AI is asked.
var protocols = []struct {
	name   config.Protocol
	adjust func(*config.Config)
	// skipped are the numbers of sample messages by type that the AI is not asked about: they need no answer, or have none of
	// the content that their type says.
	skipped map[string]int64
}{
	{
		name:   config.ProtocolContract, // process_other_message is off
		adjust: func(*config.Config) {},
		skipped: map[string]int64{
			"contacts":        1,
			"edit":            1,
			"ephemeral":       1,
			"image":           1,
			"interactive":     4,
			"location":        2,
			"reaction":        3,
			"request_welcome": 1,
			"sticker":         2,
			"system":          7,
			"text":            3,
		},
	},
	{
		name:   config.ProtocolFlow, // started by what needs an answer only
		adjust: withFlow,
		skipped: map[string]int64{
			"contacts":        1,
			"edit":            3,
			"ephemeral":       1,
			"image":           1,
			"interactive":     4,
			"location":        2,
			"reaction":        3,
			"request_welcome": 1,
			"revoke":          1,
			"sticker":         2,
			"system":          7,
			"text":            3,
		},
	},
	{
		name:   config.ProtocolOpenAI, // asked about all that can be put into words
		adjust: withOpenAI,
		skipped: map[string]int64{
			"edit":            1,
			"interactive":     4,
			"reaction":        3,
			"request_welcome": 1,
			"revoke":          1,
			"system":          7,
			"text":            3,
		},
	},
}

// handled is what became of one delivery.
type handled struct {
	// Messages is the number of messages that were stored and processed to an end.
	Messages int64
	// Unanswered is the number of questions to the AI that got no answer to the person.
	Unanswered int
}

// TestEveryProtocolHandlesEveryDelivery delivers every sample to a receiver of each protocol. The stand-ins refuse what the
// real servers refuse. Every protocol stores and ends the same messages, and every question is answered.
func TestEveryProtocolHandlesEveryDelivery(t *testing.T) {
	files, err := filepath.Glob("whatsapp/testdata/deliveries/*.json")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d deliveries, %v; want at least 60", len(files), err)
	}

	var contract map[string]handled

	for _, protocol := range protocols {
		t.Run(string(protocol.name), func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				c.CloudAPI.PhoneNumberIDs = nil
				c.Processing.TypingIndicator = new(false)
				c.Processing.HandoffDuration = time.Millisecond // an echo must not silence the files after it
				c.Processing.Retry.MaxRetries = new(0)
				protocol.adjust(c)
			})
			h.start()

			// The edits and the revocation of the files are of this message.
			h.deliver(http.StatusOK, standin.TextDelivery(
				"100000000000042", "573005550101", "Ana Prueba", "wamid.test.earlier", "hola", time.Now()))
			h.waitIdle()

			got := map[string]handled{}
			for _, file := range files {
				got[filepath.Base(file)] = h.handle(file)
			}

			for file, result := range got {
				if result.Unanswered != 0 {
					t.Errorf("%s: %d questions more than answers", file, result.Unanswered)
				}
			}

			if contract == nil {
				contract = got
			}

			if diff := cmp.Diff(contract, got); diff != "" {
				t.Errorf("deliveries (-by the contract +got):\n%s", diff)
			}

			if diff := cmp.Diff(protocol.skipped, h.messages("skipped")); diff != "" {
				t.Errorf("skipped messages by type (-want +got):\n%s", diff)
			}

			// Meta does not have the file of one audio.
			if diff := cmp.Diff(map[string]int64{"audio": 1}, h.messages("dead")); diff != "" {
				t.Errorf("dead letters by type (-want +got):\n%s", diff)
			}

			h.checkNothingRefused()
		})
	}
}

// handle delivers one file and returns what became of its messages.
func (h *harness) handle(file string) handled {
	h.t.Helper()

	body, err := os.ReadFile(file)
	if err != nil {
		h.t.Fatal(err)
	}

	before := sum(h.totals())
	questions := h.questions()
	sent := len(h.Graph.Sent())

	h.deliver(http.StatusOK, h.hostMedia(undated(body)))
	h.waitIdle()

	return handled{
		Messages:   sum(h.totals()) - before,
		Unanswered: h.questions() - questions - (len(h.Graph.Sent()) - sent),
	}
}

// sum returns the number of messages in all states.
func sum(totals map[string]int64) int64 {
	var n int64

	for key, count := range totals {
		if strings.HasPrefix(key, "message ") {
			n += count
		}
	}

	return n
}

// messages returns the number of messages in a state by type.
func (h *harness) messages(state string) map[string]int64 {
	found := map[string]int64{}

	for key, count := range h.totals() {
		kind, inState := strings.CutSuffix(strings.TrimPrefix(key, "message "), " "+state)
		if inState && strings.HasPrefix(key, "message ") {
			found[kind] = count
		}
	}

	return found
}

// questions returns how many questions about messages the AI accepted, by any protocol.
func (h *harness) questions() int {
	n := len(h.birdRequests()) + len(h.OpenAI.Asked())

	for _, call := range h.Flow.Asked() {
		if call.Method != config.NotifyStatus {
			n++
		}
	}

	return n
}

// checkNothingRefused checks that no AI refused a call.
func (h *harness) checkNothingRefused() {
	h.t.Helper()

	for name, recorder := range map[string]*standin.Recorder{
		"Bird":   h.Bird.Recorder,
		"Flow":   h.Flow.Recorder,
		"OpenAI": h.OpenAI.Recorder,
	} {
		for _, call := range recorder.Calls() {
			if call.Status >= http.StatusBadRequest {
				h.t.Errorf("%s refused a call with %d: %s", name, call.Status, fmt.Sprintf("%.2000s", call.Body))
			}
		}
	}
}
