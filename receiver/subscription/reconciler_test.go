// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestVerificationIsRetriedUntilTheCallbackAnswers(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, nil)
	w.down.Store(true)
	w.start()

	const problem = "subscribe app 77: the callback URL failed Meta's verification: check that it is public and knows the verify token; it answered HTTP 403 (2200)"
	w.state(health.SubscriptionFailed, problem)
	w.check(metaState{}, appPath, accountURL)

	for _, wait := range []time.Duration{5, 10, 20, 40, 80, 160, 300, 300} {
		w.pass(wait*time.Second/2 - 2*time.Second)

		if posts := w.calls(http.MethodPost); len(posts) > 0 {
			t.Errorf("called %v before half of %v had passed", posts, wait*time.Second)
		}

		w.pass(wait*time.Second/2 + 2*time.Second)

		if diff := cmp.Diff([]string{appPath}, w.calls(http.MethodPost)); diff != "" {
			t.Errorf("after %v (-want +got):\n%s", wait*time.Second, diff)
		}
	}

	w.down.Store(false)
	w.pass(lastRetry)
	w.state(health.SubscriptionActive, "")
	w.check(metaState{App: "/ours", Fields: fields}, appPath)
}

func TestVerifyTokenRotation(t *testing.T) {
	for name, tc := range map[string]struct {
		scope config.CallbackScope
		posts []string
	}{
		"App":             {config.CallbackApp, []string{appPath}},
		"BusinessAccount": {config.CallbackBusinessAccount, []string{appPath, accountURL}},
		"PhoneNumber":     {config.CallbackPhoneNumber, []string{appPath, numberPath}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.GraphOptions{}, scope(tc.scope))
			w.start()
			w.start()
			want := w.metaState()
			w.graph.Recorder.Reset()

			w.down.Store(true)
			w.secret(config.RoleVerifyToken, "rotated")
			w.reload()
			w.state(health.SubscriptionFailed, "(2200)")
			w.check(want, tc.posts...)
			w.down.Store(false)
			w.pass(firstRetry)
			w.state(health.SubscriptionActive, "")
			w.check(want, tc.posts...)
			w.pass(checkEvery)
			w.check(want)
		})
	}
}

func TestConfigurationChange(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, nil)
	w.start()
	w.graph.Recorder.Reset()
	declared := *w.config.CloudAPI.Subscription
	declared.Fields = append(declared.Fields, "calls")
	w.config.CloudAPI.Subscription = &declared
	w.reload()
	w.state(health.SubscriptionActive, "")
	w.check(metaState{App: "/ours", Fields: fields + ",calls"}, appPath)

	w.config.CloudAPI.Subscription = nil
	w.reload()
	w.state(health.SubscriptionNotRequested, "")
	w.check(metaState{App: "/ours", Fields: fields + ",calls"})
}

func TestNoCallsWhileASecretIsMissing(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, nil)

	birdKey := filepath.Join(w.config.SecretsDir, config.RoleBirdAccessKey, "a")
	if err := os.Remove(birdKey); err != nil {
		t.Fatal(err)
	}

	w.start()
	w.pass(checkEvery)
	w.state(health.SubscriptionPending, "")

	if calls := w.calls(""); len(calls) > 0 {
		t.Errorf("called %v", calls)
	}

	w.secret(config.RoleBirdAccessKey, "bird-key-value")
	w.reload()
	w.state(health.SubscriptionActive, "")
}

func TestFaultsOfMeta(t *testing.T) {
	coded := func(code int, path string) standin.Fault {
		fault := standin.GraphError(code, "", 0)
		fault.PathPrefix = path
		fault.Times = 1

		return fault
	}

	posted := func(fault standin.Fault) standin.Fault {
		fault.Method = http.MethodPost
		return fault
	}
	for name, tc := range map[string]struct {
		fault   standin.Fault
		problem string
		calls   int // of the check
		wait    time.Duration
	}{
		"app limited":     {coded(4, "/debug_token"), "the app reached its API call limit (4)", 1, checkEvery},
		"account limited": {coded(80008, accountURL), "read the subscriptions of business account 9001: the business account reached its rate limit (80008)", 5, checkEvery},
		"Retry-After": {standin.Fault{
			PathPrefix: appPath,
			Status:     429,
			RetryAfter: "840",
			Times:      1,
		}, "Meta limits the rate of calls (http_429)", 2, 14 * time.Minute},
		"Meta is down": {coded(2, appPath), "Meta's API is down or overloaded (2)", 2, firstRetry},
		"no answer": {standin.Fault{
			PathPrefix: accountURL,
			Cut:        standin.CutBefore,
			Times:      2,
		}, "the connection to Meta failed", 5, firstRetry},
		"not our account":    {coded(100, accountURL), "read the subscriptions of business account 9001: Meta does not know the id, or gives no access to it", 5, firstRetry},
		"no permission":      {coded(200, numberPath), "read the callback of phone number 4200: a permission is missing", 6, firstRetry},
		"field that is none": {posted(coded(100, appPath)), "subscribe app 77: Meta refuses a parameter: check the callback URL and the fields (100)", 6, firstRetry},
		"nonsense": {standin.Fault{
			PathPrefix: appPath,
			Status:     200,
			Body:       "<html>",
			Times:      1,
		}, "Meta answered 200 without the expected content", 2, firstRetry},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.GraphOptions{}, nil)
			w.graph.Faults.Add(tc.fault)
			w.start()

			if tc.problem == "" {
				w.state(health.SubscriptionActive, "")
			} else {
				w.state(health.SubscriptionFailed, tc.problem)
			}

			if calls := w.calls(""); len(calls) != tc.calls {
				t.Errorf("%d calls %v, want %d", len(calls), calls, tc.calls)
			}

			early := tc.wait / 2 // half of a backoff is jitter; the delay after a rate limit has none
			if tc.wait >= checkEvery {
				early = tc.wait
			}

			w.pass(early - time.Second)

			if calls := w.calls(""); len(calls) > 0 {
				t.Errorf("called %v before the retry was due", calls)
			}

			w.pass(tc.wait - early + time.Second)
			w.state(health.SubscriptionActive, "")

			if calls := w.calls(""); len(calls) == 0 {
				t.Error("no check although it was due")
			}
		})
	}
}
