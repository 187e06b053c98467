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
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/folder"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func TestVerificationIsRetriedUntilTheCallbackAnswers(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, nil)
	h.down.Store(true)
	h.start()

	const problem = "subscribe app 77: the callback URL failed Meta's verification: check that it is public and knows the verify token; it answered HTTP 403 (2200)"
	h.checkState(health.SubscriptionFailed, problem)
	h.check(metaState{}, appPath, accountURL)

	for _, wait := range []time.Duration{5, 10, 20, 40, 80, 160, 300, 300} {
		h.advance(wait*time.Second/2 - 2*time.Second)

		if posts := h.calls(http.MethodPost); len(posts) > 0 {
			t.Errorf("called %v before half of %v had passed", posts, wait*time.Second)
		}

		h.advance(wait*time.Second/2 + 2*time.Second)

		if diff := cmp.Diff([]string{appPath}, h.calls(http.MethodPost)); diff != "" {
			t.Errorf("after %v (-want +got):\n%s", wait*time.Second, diff)
		}
	}

	h.down.Store(false)
	h.advance(lastRetryDelay)
	h.checkState(health.SubscriptionActive, "")
	h.check(metaState{App: "/ours", Fields: fields}, appPath)
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
			h := newHarness(t, standin.GraphOptions{}, scope(tc.scope))
			h.start()
			h.start()
			want := h.metaState()
			h.graph.Recorder.Reset()

			h.down.Store(true)
			h.secret(config.RoleVerifyToken, "rotated")
			h.reload()
			h.checkState(health.SubscriptionFailed, "(2200)")
			h.check(want, tc.posts...)
			h.down.Store(false)
			h.advance(firstRetryDelay)
			h.checkState(health.SubscriptionActive, "")
			h.check(want, tc.posts...)
			h.advance(checkInterval)
			h.check(want)
		})
	}
}

func TestConfigurationChange(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, nil)
	h.start()
	h.graph.Recorder.Reset()
	declared := *h.config.CloudAPI.Subscription
	declared.Fields = append(declared.Fields, "calls")
	h.config.CloudAPI.Subscription = &declared
	h.reload()
	h.checkState(health.SubscriptionActive, "")
	h.check(metaState{App: "/ours", Fields: fields + ",calls"}, appPath)

	h.config.CloudAPI.Subscription = nil
	h.reload()
	h.checkState(health.SubscriptionNotRequested, "")
	h.check(metaState{App: "/ours", Fields: fields + ",calls"})
}

func TestNoCallsWhileASecretIsMissing(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, nil)

	birdKey := filepath.Join(h.folder.SecretsDir(), config.RoleBirdAccessKey, "0")
	if err := os.Remove(birdKey); err != nil {
		t.Fatal(err)
	}

	h.start()
	h.advance(checkInterval)
	h.checkState(health.SubscriptionPending, "")

	if calls := h.calls(""); len(calls) > 0 {
		t.Errorf("called %v", calls)
	}

	h.secret(config.RoleBirdAccessKey, folder.BirdAccessKey)
	h.reload()
	h.checkState(health.SubscriptionActive, "")
}

func TestFaultsOfMeta(t *testing.T) {
	coded := func(code int, path string) standin.Fault {
		fault := standin.GraphError(code, "", 0)
		fault.PathPrefix = path
		fault.Times = 1

		return fault
	}

	for name, tc := range map[string]struct {
		fault   standin.Fault
		problem string
		calls   int // made by the check
		wait    time.Duration
	}{
		"app limited": {
			fault:   coded(4, "/debug_token"),
			problem: "the app reached its API call limit (4)",
			calls:   1,
			wait:    checkInterval,
		},
		"account limited": {
			fault:   coded(80008, accountURL),
			problem: "read the subscriptions of business account 9001: the business account reached its rate limit (80008)",
			calls:   5,
			wait:    checkInterval,
		},
		"Retry-After": {
			fault: standin.Fault{
				PathPrefix: appPath,
				Status:     429,
				RetryAfter: "840",
				Times:      1,
			},
			problem: "Meta limits the rate of calls (http_429)",
			calls:   2,
			wait:    14 * time.Minute,
		},
		"Meta is down": {
			fault:   coded(2, appPath),
			problem: "Meta's API is down or overloaded (2)",
			calls:   2,
			wait:    firstRetryDelay,
		},
		"no answer": {
			fault: standin.Fault{
				PathPrefix: accountURL,
				Cut:        standin.CutBefore,
				Times:      2,
			},
			problem: "the connection to Meta failed",
			calls:   5,
			wait:    firstRetryDelay,
		},
		"not our account": {
			fault:   coded(100, accountURL),
			problem: "read the subscriptions of business account 9001: Meta does not know the id, or gives no access to it",
			calls:   5,
			wait:    firstRetryDelay,
		},
		"no permission": {
			fault:   coded(200, numberPath),
			problem: "read the callback of phone number 4200: a permission is missing",
			calls:   6,
			wait:    firstRetryDelay,
		},
		"a page of another server": {
			fault: standin.Fault{
				PathPrefix: appPath,
				Status:     200,
				Body:       "<html>",
				Times:      1,
			},
			problem: "this is not the Graph API",
			calls:   2,
			wait:    firstRetryDelay,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, standin.GraphOptions{}, nil)
			h.graph.Faults.Add(tc.fault)
			h.start()

			if tc.problem == "" {
				h.checkState(health.SubscriptionActive, "")
			} else {
				h.checkState(health.SubscriptionFailed, tc.problem)
			}

			if calls := h.calls(""); len(calls) != tc.calls {
				t.Errorf("%d calls %v, want %d", len(calls), calls, tc.calls)
			}

			early := tc.wait / 2 // half of a backoff is jitter; the delay after a rate limit has none
			if tc.wait >= checkInterval {
				early = tc.wait
			}

			h.advance(early - time.Second)

			if calls := h.calls(""); len(calls) > 0 {
				t.Errorf("called %v before the retry was due", calls)
			}

			h.advance(tc.wait - early + time.Second)
			h.checkState(health.SubscriptionActive, "")

			if calls := h.calls(""); len(calls) == 0 {
				t.Error("no check although it was due")
			}
		})
	}
}
