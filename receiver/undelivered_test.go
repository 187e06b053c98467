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

// TestUndeliveredMessages checks that Bird is notified of messages that Meta could not deliver, if the bridge has the method.
func TestUndeliveredMessages(t *testing.T) {
	tooLarge := fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"7","changes":[{"field":"messages","value":{`+
		`"metadata":{"phone_number_id":%q},"messages":[{"id":"wamid.1","from":%q,"timestamp":"%d","type":"video",`+
		`"errors":[{"code":131052,"title":"Media download error"}]}]}}]}]}`, number, ana, time.Now().Unix())

	for name, tc := range map[string]struct {
		lacks, enabled bool
		want           string // the method that Bird is asked with
		state          store.State
	}{
		"by default":                     {want: "process_undelivered_message", state: store.Done},
		"without the method":             {lacks: true, state: store.Skipped},
		"with the method for all others": {lacks: true, enabled: true, want: "process_other_message", state: store.Done},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) {
				withoutTyping(c)
				c.Bird.Endpoints = map[string]config.Endpoint{"process_other_message": {Enabled: &tc.enabled}}
			})

			if tc.lacks {
				h.Bird.Faults.Add(standin.Fault{PathPrefix: "/v1/messages/undelivered", Status: 404})
			}

			h.start()
			h.deliver(http.StatusOK, []byte(tooLarge))
			h.waitIdle()

			var methods []string
			for _, call := range h.birdRequests() {
				methods = append(methods, call.Method)
			}

			asked := strings.Join(methods, " ")
			if got := h.record("wamid.1").Event.State; asked != tc.want || got != tc.state {
				t.Errorf("asked with %q, the message is %s; want %q and %s", asked, got, tc.want, tc.state)
			}

			if isAnnounced := len(h.sink.notices("error.reported")) == 1; isAnnounced != (tc.state == store.Skipped) {
				t.Errorf("the lost file is announced: %t; the message is %s", isAnnounced, tc.state)
			}
		})
	}
}
