// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/consoleapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// TestSampleOfTheDashboard checks that the message with which Meta's App Dashboard tests a webhook is stored and not answered,
// whether numbers are configured or not: Meta refuses each call about its number.
func TestSampleOfTheDashboard(t *testing.T) {
	sample, err := os.ReadFile("whatsapp/testdata/deliveries/message.text.dashboard_test.json")
	if err != nil {
		t.Fatal(err)
	}

	for name, numbers := range map[string][]string{"any number": nil, "one number": {number}} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, func(c *config.Config) { c.CloudAPI.PhoneNumberIDs = numbers })
			h.start()
			h.deliver(http.StatusOK, sample)
			h.waitIdle()

			if asked, sent := h.birdRequests(), h.Graph.Sent(); len(asked) > 0 || len(sent) > 0 {
				t.Errorf("asked %d times and sent %d messages, want none", len(asked), len(sent))
			}

			id := store.NewID(store.KindMessage, "123456123", "ABGGFlA5Fpa")

			var detail consoleapi.EventDetail
			h.console(http.StatusOK, http.MethodGet, "/v1/events/"+id.String(), &detail)

			if detail.State != store.Skipped || detail.Code != "test" {
				t.Errorf("the sample is %s with the code %q, want skipped as a test", detail.State, detail.Code)
			}

			var report doctor.Report
			h.console(http.StatusOK, http.MethodPost, doctor.Path, &report)

			for _, check := range report.Checks {
				if check.Name == "app-live" && check.State != doctor.Skipped {
					t.Errorf("the app is taken for published because of a sample: %s", check.Detail)
				}
			}

			if report := h.status(); len(report.Problems) > 0 || len(report.ClosedScopes) > 0 || report.Metrics.ErrorCounts["test"] != 1 {
				t.Errorf("problems %v, closed scopes %v, counted %v, want the test counted alone", report.Problems, report.ClosedScopes, report.Metrics.ErrorCounts)
			}
		})
	}
}
