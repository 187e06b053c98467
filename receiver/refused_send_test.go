// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// A send that a correction of the configuration will fix waits for it, spends no attempt, and is reported.
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
		"the mounted secret is of another app": {
			fault:   standin.Fault{Status: 400, Body: `{"error":{"code":100,"message":"Invalid appsecret_proof provided in the API argument"}}`},
			problem: "no mounted app secret",
		},
		"a path that the Graph API does not know": {
			fault:   standin.Fault{Status: 400, Body: `{"error":{"code":2500,"message":"Unknown path components"}}`},
			problem: "cloudAPI.baseURL",
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

// A limit of Meta holds the message back for its first pause, spends no attempt, and makes no dead letter.
func TestLimitsOfMetaWait(t *testing.T) {
	for code, pause := range map[int]time.Duration{
		4:       5 * time.Minute,
		17:      5 * time.Minute,
		32:      5 * time.Minute,
		341:     5 * time.Minute,
		613:     5 * time.Minute,
		80007:   5 * time.Minute,
		134101:  10 * time.Minute,
		2494100: time.Minute,
	} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			h := newHarness(t, byDefault)
			h.refuse(fmt.Sprintf(`{"error":{"message":"(#%d)","code":%d}}`, code, code), 1)
			h.start()
			h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello"))
			h.waitFor("the refusal", func() bool { return len(h.record("wamid.1").Failures) == 1 })
			h.pass(pause-10*time.Second, 10*time.Second)

			if got := h.record("wamid.1"); got.Event.State != store.Pending || got.Attempts != 0 || len(h.Graph.Sent()) > 0 {
				t.Errorf("state %s after %d attempts, want pending after none", got.Event.State, got.Attempts)
			}

			h.pass(pause, 10*time.Second) // up to a tenth of jitter
			h.waitSent(1)
		})
	}
}

// A look-up of a file that a correction of the configuration will fix waits for it too. A file that is missing while the
// token sees the phone number is gone.
func TestMisdirectedLookUpWaitsForACorrection(t *testing.T) {
	const unknown = `{"error":{"type":"GraphMethodException","code":100,"error_subcode":33}}`
	for name, tc := range map[string]struct {
		faults  []standin.Fault
		problem string
		state   store.State
	}{
		"the token has no access to the number": {
			faults: []standin.Fault{
				{PathPrefix: "/500", Status: 400, Body: unknown},
				{PathPrefix: "/" + number, Status: 400, Body: unknown},
			},
			problem: "no access to this phone number",
			state:   store.Pending,
		},
		"a page of another server": {
			faults:  []standin.Fault{{PathPrefix: "/500", Status: 404, Body: "<html>"}},
			problem: "this is not the Graph API",
			state:   store.Pending,
		},
		"a path that the Graph API does not know": {
			faults:  []standin.Fault{{PathPrefix: "/500", Status: 400, Body: `{"error":{"code":2500}}`}},
			problem: "cloudAPI.baseURL",
			state:   store.Pending,
		},
		"the file is gone": {
			faults: []standin.Fault{{PathPrefix: "/500", Status: 400, Body: unknown}},
			state:  store.Dead,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, byDefault)
			h.Graph.PutMedia("500", "image/jpeg", []byte("photo"))

			var ids []int

			for _, fault := range tc.faults {
				fault.Method = http.MethodGet
				ids = append(ids, h.Graph.Faults.Add(fault))
			}

			h.start()

			media := map[string]any{"id": "500", "mime_type": "image/jpeg"}
			h.deliver(http.StatusOK, standin.MessageDelivery(number, ana, "Ana", "wamid.1", "image", media, time.Now()))
			h.pass(10*time.Minute, 31*time.Second)

			if got := h.record("wamid.1"); got.Event.State != tc.state || tc.state == store.Pending && got.Attempts != 0 {
				t.Errorf("state %s after %d attempts, want %s after none", got.Event.State, got.Attempts, tc.state)
			}

			if tc.state == store.Dead {
				return
			}

			var problems []string
			for _, problem := range h.status().Problems {
				problems = append(problems, problem)
			}

			if !strings.Contains(strings.Join(problems, "\n"), tc.problem) {
				t.Errorf("problems = %q, want one with %q", problems, tc.problem)
			}

			for _, id := range ids {
				h.Graph.Faults.Remove(id)
			}

			h.pass(2*time.Minute, 31*time.Second)
			h.waitSent(1)
		})
	}
}

// Each call with the access token proves the app's secret, whichever of the mounted ones it is.
func TestSendsProveTheAppSecret(t *testing.T) {
	h := newHarness(t, byDefault)
	h.writeSecret(config.RoleAppSecret, "0", "secret-of-another-app")
	h.writeSecret(config.RoleAppSecret, "1", folder.AppSecret)
	h.start()

	for _, message := range []string{"wamid.1", "wamid.2"} {
		h.deliver(http.StatusOK, textDelivery(ana, message, "hello"))
		h.waitIdle()
	}

	h.waitSent(2)

	refused := 0

	for _, call := range h.Graph.Recorder.Calls() {
		if call.Status != http.StatusOK {
			refused++
		}
	}

	if refused != 1 {
		t.Errorf("%d calls were refused, want the first one only", refused)
	}
}

// While no mounted secret is that of the token's app, nothing is sent and nothing is lost. The right one is used at once.
func TestSecretOfAnotherAppWaitsForACorrection(t *testing.T) {
	h := newHarness(t, byDefault)
	outage := h.Bird.Faults.Add(standin.Fault{Status: http.StatusServiceUnavailable})
	h.start()
	h.deliver(http.StatusOK, textDelivery(ana, "wamid.1", "hello")) // signed with the right secret
	h.writeSecret(config.RoleAppSecret, "0", "secret-of-another-app")
	h.Local.Live.Reload()
	h.Bird.Faults.Remove(outage)
	h.pass(10*time.Minute, 31*time.Second)

	if got := h.record("wamid.1"); got.Event.State != store.Pending {
		t.Errorf("state %s, want pending", got.Event.State)
	}

	if problem := h.status().Problems["send message"]; !strings.Contains(problem, "no mounted app secret") {
		t.Errorf("problem = %q, want one that names the secret", problem)
	}

	h.writeSecret(config.RoleAppSecret, "0", folder.AppSecret)
	h.Local.Live.Reload()
	h.waitSent(1)
}
