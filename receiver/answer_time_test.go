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
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// The histogram of Bird's response times has one observation for each call, and none for messages that wait.
func TestAnswerTimeCountsCallsOnly(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		key    string
	}{
		"Bird is unavailable":   {http.StatusServiceUnavailable, folder.BirdAccessKey},
		"Bird refuses the key":  {http.StatusUnauthorized, folder.BirdAccessKey},
		"Bird limits the rate":  {http.StatusTooManyRequests, folder.BirdAccessKey},
		"the key has two lines": {http.StatusUnauthorized, "key\nsecond line"},
		"the key is missing":    {http.StatusUnauthorized, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, byDefault)
			h.writeSecret(config.RoleBirdAccessKey, "0", tc.key)
			h.Bird.Faults.Add(standin.Fault{Status: tc.status})
			h.start()

			for i := range 20 {
				h.deliver(http.StatusOK, textDelivery(person(i), fmt.Sprint("wamid.", i), "hello"))
			}

			h.pass(5*time.Minute, 10*time.Second)

			// Calls that have begun may end later.
			var calls uint64

			h.waitFor("each call has a time", func() bool {
				_, metrics := h.adminPage("/metrics")
				calls = h.Bird.Recorder.Total()

				return strings.Contains(metrics, fmt.Sprintf("whatsapp_ai_response_seconds_count{method=\"process_text_message\"} %d\n", calls))
			})

			if tc.key != folder.BirdAccessKey && calls > 0 {
				t.Errorf("%d calls without a usable key, want none", calls)
			}
		})
	}
}
