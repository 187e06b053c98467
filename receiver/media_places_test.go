// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestFilesThatWaitForTheSpoolDelayNoText(t *testing.T) {
	const people = 10

	answer := make(chan struct{})
	h := newHarness(t, func(c *config.Config) {
		withoutTyping(c)
		c.Processing.Concurrency = 8
		c.Media.MaxSpoolBytes = 100 << 20
	})
	h.Graph.PutMedia("500", "application/pdf", make([]byte, 60<<20)) // one fits at a time
	h.reply = func(method string, request map[string]any) any {
		if method == "process_document_message" {
			<-answer
		}

		return standin.EchoReply(method, request)
	}
	h.start()

	for i := range people {
		media := map[string]any{
			"id":        "500",
			"mime_type": "application/pdf",
			"filename":  "a.pdf",
		}
		h.deliver(http.StatusOK, standin.MessageDelivery(number, person(i), "P", fmt.Sprint("wamid.d", i), "document", media, time.Now()))
	}

	h.deliver(http.StatusOK, textDelivery(luis, "wamid.text", "hello"))

	if sent := h.waitSent(1); sent[0].Text != "You said: hello" {
		t.Errorf("sent %q, want the answer to the text", sent[0].Text)
	}

	close(answer)
	h.waitSent(people + 1)
	h.waitIdle()
}
