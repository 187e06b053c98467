// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

const (
	fields     = "messages,account_update"
	appPath    = "/" + appID + "/subscriptions"
	accountURL = "/" + account + "/subscribed_apps"
	numberPath = "/" + number
)

func scope(s config.CallbackScope) func(*config.Config) {
	return func(c *config.Config) { c.CloudAPI.Subscription.CallbackScope = s }
}

// check compares the POST calls and the state at Meta with the expected ones, and resets the recorded calls.
func (h *harness) check(want metaState, posts ...string) {
	h.t.Helper()

	if diff := cmp.Diff(posts, h.calls(http.MethodPost)); diff != "" {
		h.t.Errorf("POST calls (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff(want, h.metaState()); diff != "" {
		h.t.Errorf("at Meta (-want +got):\n%s", diff)
	}

	h.graph.Recorder.Reset()
}

func TestFreshApp(t *testing.T) {
	for name, tc := range map[string]struct {
		scope config.CallbackScope
		want  metaState
		posts []string
	}{
		"App": {config.CallbackApp, metaState{App: "/ours", Fields: fields}, []string{appPath, accountURL}},
		"BusinessAccount": {config.CallbackBusinessAccount, metaState{
			App:     "/ours",
			Fields:  fields,
			Account: "/ours",
		}, []string{appPath, accountURL, accountURL}},
		"PhoneNumber": {config.CallbackPhoneNumber, metaState{
			App:    "/ours",
			Fields: fields,
			Number: "/ours",
		}, []string{appPath, accountURL, numberPath}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, standin.GraphOptions{}, scope(tc.scope))
			h.start()
			h.checkState(health.SubscriptionActive, "")
			h.check(tc.want, tc.posts...)

			h.advance(checkInterval)

			if gets := h.calls(http.MethodGet); len(gets) != 4 {
				t.Errorf("a check made the calls %v, want one each for token, app, account and number", gets)
			}

			h.start() // a new process
			h.checkState(health.SubscriptionActive, "")
			h.check(tc.want)
		})
	}
}

func TestForeignApp(t *testing.T) {
	for name, tc := range map[string]struct {
		scope   config.CallbackScope
		fields  string
		want    metaState
		posts   []string
		state   health.SubscriptionState
		problem string
	}{
		"App takes over and retains other fields": {
			scope:  config.CallbackApp,
			fields: "flows,messages",
			want:   metaState{App: "/ours", Fields: "flows,messages,account_update"},
			posts:  []string{appPath, accountURL},
			state:  health.SubscriptionActive,
		},
		"override does not change it": {
			scope:  config.CallbackBusinessAccount,
			fields: fields,
			want: metaState{
				App:     "/theirs",
				Fields:  fields,
				Account: "/ours",
			},
			posts: []string{accountURL, accountURL},
			state: health.SubscriptionActive,
		},
		"override cannot add fields": {
			scope:  config.CallbackPhoneNumber,
			fields: "messages",
			want: metaState{
				App:    "/theirs",
				Fields: "messages",
				Number: "/ours",
			},
			posts:   []string{appPath, accountURL, numberPath},
			state:   health.SubscriptionFailed,
			problem: "app 77 is not subscribed to all of messages, account_update",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, standin.GraphOptions{}, scope(tc.scope))
			h.setForeignApp(tc.fields)
			h.start()
			h.checkState(tc.state, tc.problem)
			h.check(tc.want, tc.posts...)
		})
	}
}

func TestDrift(t *testing.T) {
	for name, tc := range map[string]struct {
		scope config.CallbackScope
		drift func(*harness)
		posts []string
	}{
		"a field is removed": {config.CallbackApp, func(h *harness) {
			h.foreignCall(http.MethodDelete, appPath+"?object=whatsapp_business_account&fields=account_update", appToken, nil)
		}, []string{appPath}},
		"the app is unsubscribed":                   {config.CallbackApp, func(h *harness) { h.foreignCall(http.MethodDelete, appPath, appToken, nil) }, []string{appPath}},
		"the account is unsubscribed":               {config.CallbackApp, func(h *harness) { h.foreignCall(http.MethodDelete, accountURL, accessToken, nil) }, []string{accountURL}},
		"the account with override is unsubscribed": {config.CallbackBusinessAccount, func(h *harness) { h.foreignCall(http.MethodDelete, accountURL, accessToken, nil) }, []string{accountURL, accountURL}},
		"override is removed":                       {config.CallbackBusinessAccount, func(h *harness) { h.foreignCall(http.MethodPost, accountURL, accessToken, nil) }, []string{accountURL}},
		"the app is found inactive": {config.CallbackApp, func(h *harness) {
			h.graph.Faults.Add(standin.Fault{
				Method:     http.MethodGet,
				PathPrefix: appPath,
				Status:     200,
				Times:      1,
				Body: `{"data":[{"object":"page"},{"object":"whatsapp_business_account",
				"callback_url":"` + h.ours() + `","active":false,"fields":[{"name":"messages"},{"name":"account_update"}]}]}`,
			})
		}, []string{appPath}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, standin.GraphOptions{}, scope(tc.scope))
			h.start()
			want := h.metaState()
			tc.drift(h)
			h.graph.Recorder.Reset()
			h.advance(checkInterval - time.Second)

			if calls := h.calls(""); len(calls) > 0 {
				t.Errorf("called %v before the next check was due", calls)
			}

			h.advance(time.Second)
			h.checkState(health.SubscriptionActive, "")
			h.check(want, tc.posts...)
		})
	}
}

// TestOverwrittenCallbackIsReported checks that a callback that others overwrite, as with two resources of one app, is set
// again, and reported until a check finds it unchanged.
func TestOverwrittenCallbackIsReported(t *testing.T) {
	for name, tc := range map[string]struct {
		scope   config.CallbackScope
		change  func(*harness)
		post    string
		problem string
	}{
		"of the app": {
			config.CallbackApp, func(h *harness) { h.setForeignApp(fields) }, appPath,
			"since the last check the callback of app 77 was changed to another URL, at 127.0.0.1:",
		},
		"of the account": {
			config.CallbackBusinessAccount, func(h *harness) { h.setForeignOverride(account) }, accountURL,
			"since the last check the callback of business account 9001 was changed to another URL, at 127.0.0.1:",
		},
		"of the number": {
			config.CallbackPhoneNumber, func(h *harness) { h.setForeignOverride(number) }, numberPath,
			"since the last check the callback of phone number 4200 was changed to another URL, at 127.0.0.1:",
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, standin.GraphOptions{}, scope(tc.scope))
			h.start()
			h.checkState(health.SubscriptionActive, "")

			want := h.metaState()

			for range 2 {
				tc.change(h)
				h.graph.Recorder.Reset()
				h.advance(checkInterval)
				h.checkState(health.SubscriptionFailed, tc.problem)
				h.check(want, tc.post)
			}

			h.advance(checkInterval - time.Second)

			if calls := h.calls(""); len(calls) > 0 {
				t.Errorf("called %v before the next check was due: a retry fixes nothing", calls)
			}

			h.advance(time.Second)
			h.checkState(health.SubscriptionActive, "")
		})
	}
}

// TestNewCallbackURLIsNotReported checks that a receiver does not take its own former URL for that of another.
func TestNewCallbackURLIsNotReported(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, nil)
	h.start()

	declared := *h.config.CloudAPI.Subscription
	declared.CallbackURL = h.ours() + "?"
	h.config.CloudAPI.Subscription = &declared
	h.reload()
	h.checkState(health.SubscriptionActive, "")
}

func TestForeignOverrideIsReported(t *testing.T) {
	for name, tc := range map[string]struct {
		adjust  func(*config.Config)
		id      string
		problem string
	}{
		"account over app":    {scope(config.CallbackApp), account, "business account 9001 has an override of the callback, to 127.0.0.1:"},
		"number over app":     {scope(config.CallbackApp), number, "phone number 4200 has an override"},
		"number over account": {scope(config.CallbackBusinessAccount), number, "phone number 4200 has an override"},
		"undeclared account over app": {
			func(c *config.Config) { c.CloudAPI.Subscription.BusinessAccountIDs = nil }, account, "the business account of phone number 4200 has an override",
		},
		"account under number": {scope(config.CallbackPhoneNumber), account, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, standin.GraphOptions{}, tc.adjust)
			h.setForeignOverride(tc.id)
			h.start()

			if tc.problem == "" {
				h.checkState(health.SubscriptionActive, "")
			} else {
				h.checkState(health.SubscriptionFailed, tc.problem)
			}

			if s := h.metaState(); (tc.id == account && s.Account != "/theirs") || (tc.id == number && s.Number != "/theirs") {
				t.Errorf("a foreign override was changed: %+v", s)
			}
		})
	}
}

func TestOwnOverrideOfAnotherScopeIsHarmless(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, scope(config.CallbackPhoneNumber))
	h.start()
	h.graph.Recorder.Reset()
	declared := *h.config.CloudAPI.Subscription
	declared.CallbackScope = config.CallbackApp
	h.config.CloudAPI.Subscription = &declared
	h.reload()
	h.checkState(health.SubscriptionActive, "")
	h.check(metaState{
		App:    "/ours",
		Fields: fields,
		Number: "/ours",
	})
}

func TestForeignCallbackGetsNoVerifyToken(t *testing.T) {
	h := newHarness(t, standin.GraphOptions{}, scope(config.CallbackBusinessAccount))
	h.setForeignApp(fields)
	h.start()
	h.graph.Recorder.Reset()
	h.secret(config.RoleVerifyToken, "rotated")
	h.reload()
	h.checkState(health.SubscriptionActive, "")
	h.check(metaState{
		App:     "/theirs",
		Fields:  fields,
		Account: "/ours",
	}, accountURL)
}
