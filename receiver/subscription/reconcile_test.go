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

// check compares the POST calls and the state at Meta with the wanted ones, and forgets the calls.
func (w *world) check(want metaState, posts ...string) {
	w.t.Helper()

	if diff := cmp.Diff(posts, w.calls(http.MethodPost)); diff != "" {
		w.t.Errorf("POST calls (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff(want, w.metaState()); diff != "" {
		w.t.Errorf("at Meta (-want +got):\n%s", diff)
	}

	w.graph.Recorder.Reset()
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
			w := newWorld(t, standin.GraphOptions{}, scope(tc.scope))
			w.start()
			w.state(health.SubscriptionActive, "")
			w.check(tc.want, tc.posts...)

			w.pass(checkEvery)

			if gets := w.calls(http.MethodGet); len(gets) != 4 {
				t.Errorf("a check made the calls %v, want one each for token, app, account and number", gets)
			}

			w.start() // a new process
			w.state(health.SubscriptionActive, "")
			w.check(tc.want)
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
		"App takes over and keeps fields": {
			config.CallbackApp, "flows,messages", metaState{App: "/ours", Fields: "flows,messages,account_update"}, []string{appPath, accountURL}, health.SubscriptionActive, "",
		},
		"override leaves it": {
			config.CallbackBusinessAccount, fields, metaState{
				App:     "/theirs",
				Fields:  fields,
				Account: "/ours",
			}, []string{accountURL, accountURL}, health.SubscriptionActive, "",
		},
		"override cannot add fields": {
			config.CallbackPhoneNumber, "messages",
			metaState{
				App:    "/theirs",
				Fields: "messages",
				Number: "/ours",
			},
			[]string{appPath, accountURL, numberPath},
			health.SubscriptionFailed, "app 77 is not subscribed to all of messages, account_update",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.GraphOptions{}, scope(tc.scope))
			w.setForeignApp(tc.fields)
			w.start()
			w.state(tc.state, tc.problem)
			w.check(tc.want, tc.posts...)
		})
	}
}

func TestDrift(t *testing.T) {
	for name, tc := range map[string]struct {
		scope config.CallbackScope
		drift func(*world)
		posts []string
	}{
		"another callback": {config.CallbackApp, func(w *world) { w.setForeignApp(fields) }, []string{appPath}},
		"a field is gone": {config.CallbackApp, func(w *world) {
			w.foreignCall(http.MethodDelete, appPath+"?object=whatsapp_business_account&fields=account_update", appToken, nil)
		}, []string{appPath}},
		"the app is unsubscribed":   {config.CallbackApp, func(w *world) { w.foreignCall(http.MethodDelete, appPath, appToken, nil) }, []string{appPath}},
		"the account is gone":       {config.CallbackApp, func(w *world) { w.foreignCall(http.MethodDelete, accountURL, accessToken, nil) }, []string{accountURL}},
		"the account with override": {config.CallbackBusinessAccount, func(w *world) { w.foreignCall(http.MethodDelete, accountURL, accessToken, nil) }, []string{accountURL, accountURL}},
		"override is taken away":    {config.CallbackBusinessAccount, func(w *world) { w.foreignCall(http.MethodPost, accountURL, accessToken, nil) }, []string{accountURL}},
		"override of the account":   {config.CallbackBusinessAccount, func(w *world) { w.setForeignOverride(account) }, []string{accountURL}},
		"override of the number":    {config.CallbackPhoneNumber, func(w *world) { w.setForeignOverride(number) }, []string{numberPath}},
		"the app is found inactive": {config.CallbackApp, func(w *world) {
			w.graph.Faults.Add(standin.Fault{
				Method:     http.MethodGet,
				PathPrefix: appPath,
				Status:     200,
				Times:      1,
				Body: `{"data":[{"object":"page"},{"object":"whatsapp_business_account",
				"callback_url":"` + w.ours() + `","active":false,"fields":[{"name":"messages"},{"name":"account_update"}]}]}`,
			})
		}, []string{appPath}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, standin.GraphOptions{}, scope(tc.scope))
			w.start()
			want := w.metaState()
			tc.drift(w)
			w.graph.Recorder.Reset()
			w.pass(checkEvery - time.Second)

			if calls := w.calls(""); len(calls) > 0 {
				t.Errorf("called %v before the next check was due", calls)
			}

			w.pass(time.Second)
			w.state(health.SubscriptionActive, "")
			w.check(want, tc.posts...)
		})
	}
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
			w := newWorld(t, standin.GraphOptions{}, tc.adjust)
			w.setForeignOverride(tc.id)
			w.start()

			if tc.problem == "" {
				w.state(health.SubscriptionActive, "")
			} else {
				w.state(health.SubscriptionFailed, tc.problem)
			}

			if s := w.metaState(); (tc.id == account && s.Account != "/theirs") || (tc.id == number && s.Number != "/theirs") {
				t.Errorf("a foreign override was changed: %+v", s)
			}
		})
	}
}

func TestOwnOverrideOfAnotherScopeIsHarmless(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, scope(config.CallbackPhoneNumber))
	w.start()
	w.graph.Recorder.Reset()
	declared := *w.config.CloudAPI.Subscription
	declared.CallbackScope = config.CallbackApp
	w.config.CloudAPI.Subscription = &declared
	w.reload()
	w.state(health.SubscriptionActive, "")
	w.check(metaState{
		App:    "/ours",
		Fields: fields,
		Number: "/ours",
	})
}

func TestForeignCallbackGetsNoVerifyToken(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, scope(config.CallbackBusinessAccount))
	w.setForeignApp(fields)
	w.start()
	w.graph.Recorder.Reset()
	w.secret(config.RoleVerifyToken, "rotated")
	w.reload()
	w.state(health.SubscriptionActive, "")
	w.check(metaState{
		App:     "/theirs",
		Fields:  fields,
		Account: "/ours",
	}, accountURL)
}
