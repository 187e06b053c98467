// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// A send that a correction of the configuration will mend waits for it, spends no attempt, and is reported.
func TestMisdirectedSendWaitsForACorrection(t *testing.T) {
	const page = "<html><h1>404 page not found</h1></html>"
	for name, tc := range map[string]struct {
		fault   standin.Fault
		problem string
	}{
		"the token has no access to the number": {
			fault:   standin.Fault{Status: 400, Body: `{"error":{"type":"GraphMethodException","code":100,"error_subcode":33}}`},
			problem: "no access to this phone number",
		},
		"the app wants a proof of its secret": {
			fault:   standin.Fault{Status: 400, Body: `{"error":{"code":100,"message":"API calls from the server require an appsecret_proof argument"}}`},
			problem: "Require App Secret",
		},
		"a page of another server": {
			fault:   standin.Fault{Status: 404, Body: page},
			problem: "this is not the Graph API",
		},
		"JSON of another server": {
			fault:   standin.Fault{Status: 404, Body: `{"error":{"code":404,"message":"not found"}}`},
			problem: "this is not the Graph API",
		},
		"a page of a proxy, as if it were the result": {
			fault:   standin.Fault{Status: 200, Body: page},
			problem: "this is not the Graph API",
		},
		"a redirect": {
			fault:   standin.Fault{Status: 301},
			problem: "redirects",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, byDefault)
			tc.fault.PathPrefix = "/" + number + "/messages"
			id := h.Graph.Faults.Add(tc.fault)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.pass(10*time.Minute, 31*time.Second)

			if got := h.record("wamid.1"); got.Event.State != store.Pending || got.Attempts != 0 {
				t.Errorf("state %s after %d attempts, want pending after none", got.Event.State, got.Attempts)
			}

			var problems []string
			for _, problem := range h.status().Problems {
				problems = append(problems, problem)
			}

			if !strings.Contains(strings.Join(problems, "\n"), tc.problem) {
				t.Errorf("problems = %q, want one with %q", problems, tc.problem)
			}

			h.Graph.Faults.Remove(id)
			h.pass(time.Minute, 31*time.Second)
			h.waitSent(1)
		})
	}
}

// Errors that Meta calls temporary are tried again, and limits of the app hold calls back for minutes.
func TestTemporaryErrorsOfMetaMakeNoDeadLetter(t *testing.T) {
	h := newHarness(t, byDefault)
	for _, body := range []string{
		`{"error":{"message":"try again","code":135000,"is_transient":true}}`,
		`{"error":{"message":"user request limit","code":17}}`,
		`{"error":{"message":"call rate","code":613}}`,
	} {
		h.Graph.Faults.Add(standin.Fault{
			Status:     400,
			Body:       body,
			PathPrefix: "/" + number + "/messages",
			Times:      1,
		})
	}

	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
	h.pass(time.Minute, 10*time.Second)

	if calls := h.Graph.Recorder.Total(); calls != 2 {
		t.Errorf("%d calls within the first minute, want 2: after the second the app is limited for 5 minutes", calls)
	}

	for i := 0; len(h.Graph.Sent()) < 1 && i < 300; i++ {
		h.pass(time.Minute, time.Minute)
	}

	h.waitSent(1)

	if got := h.record("wamid.1"); got.Attempts != 1 {
		t.Errorf("%d attempts spent, want that of the temporary error", got.Attempts)
	}
}
