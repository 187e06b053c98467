// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

// TestDoctor checks that a running receiver examines itself: what it is connected to, its store and its messages.
func TestDoctor(t *testing.T) {
	h := newHarness(t, withMessagesAPI)
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.waitSent(1)
	h.waitIdle()

	var report doctor.Report
	h.console(http.StatusOK, http.MethodPost, doctor.Path, &report)

	found := map[string]doctor.Check{}
	for _, check := range report.Checks {
		found[check.Name] = check
	}

	for _, name := range []string{
		"secrets", "graph", "clock", "token", "token-scopes", "app-live", "ai", "messages-api", "sink", "health-path", "problems", "circuits",
		"store", "backlog", "dead-letters", "numbers",
	} {
		if found[name].State != doctor.OK {
			t.Errorf("%s is %s: %s", name, found[name].State, found[name].Detail)
		}
	}

	if dns := found["dns"]; dns.State != doctor.Skipped || dns.Detail == "" {
		t.Errorf("dns is %+v, want skipped, since the configuration says no public URL", dns)
	}
}
