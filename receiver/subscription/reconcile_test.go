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

func (w *world) check(want standing, posts ...string) {
	w.t.Helper()

	if diff := cmp.Diff(posts, w.calls(http.MethodPost)); diff != "" {
		w.t.Errorf("calls that change something (-want +got):\n%s", diff)
	}

	if diff := cmp.Diff(want, w.standing()); diff != "" {
		w.t.Errorf("at Meta (-want +got):\n%s", diff)
	}

	w.graph.Recorder.Reset()
}

func TestFreshApp(t *testing.T) {
	for name, tc := range map[string]struct {
		scope config.CallbackScope
		want  standing
		posts []string
	}{
		"App": {config.CallbackApp, standing{App: "/ours", Fields: fields}, []string{appPath, accountURL}},
		"BusinessAccount": {config.CallbackBusinessAccount, standing{
			App:     "/ours",
			Fields:  fields,
			Account: "/ours",
		}, []string{appPath, accountURL, accountURL}},
		"PhoneNumber": {config.CallbackPhoneNumber, standing{
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
				t.Errorf("a check made the calls %v, want one for each of token, app, account and number", gets)
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
		want    standing
		posts   []string
		state   health.SubscriptionState
		problem string
	}{
		"App takes over and keeps fields": {
			config.CallbackApp, "flows,messages", standing{App: "/ours", Fields: "flows,messages,account_update"}, []string{appPath, accountURL}, health.SubscriptionActive, "",
		},
		"override leaves it": {
			config.CallbackBusinessAccount, fields, standing{
				App:     "/theirs",
				Fields:  fields,
				Account: "/ours",
			}, []string{accountURL, accountURL}, health.SubscriptionActive, "",
		},
		"override cannot add fields": {
			config.CallbackPhoneNumber, "messages",
			standing{
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
			w.theirApp(tc.fields)
			w.start()
			w.state(tc.state, tc.problem)
			w.check(tc.want, tc.posts...)
		})
	}
}

func TestDrift(t *testing.T) {
	for name, tc := range map[string]struct {
		scope  config.CallbackScope
		meddle func(*world)
		posts  []string
	}{
		"another callback": {config.CallbackApp, func(w *world) { w.theirApp(fields) }, []string{appPath}},
		"a field is gone": {config.CallbackApp, func(w *world) {
			w.meddle(http.MethodDelete, appPath+"?object=whatsapp_business_account&fields=account_update", appToken, nil)
		}, []string{appPath}},
		"the app is unsubscribed":   {config.CallbackApp, func(w *world) { w.meddle(http.MethodDelete, appPath, appToken, nil) }, []string{appPath}},
		"the account is gone":       {config.CallbackApp, func(w *world) { w.meddle(http.MethodDelete, accountURL, accessToken, nil) }, []string{accountURL}},
		"the account with override": {config.CallbackBusinessAccount, func(w *world) { w.meddle(http.MethodDelete, accountURL, accessToken, nil) }, []string{accountURL, accountURL}},
		"override is taken away":    {config.CallbackBusinessAccount, func(w *world) { w.meddle(http.MethodPost, accountURL, accessToken, nil) }, []string{accountURL}},
		"override of the account":   {config.CallbackBusinessAccount, func(w *world) { w.theirOverride(account) }, []string{accountURL}},
		"override of the number":    {config.CallbackPhoneNumber, func(w *world) { w.theirOverride(number) }, []string{numberPath}},
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
			want := w.standing()
			tc.meddle(w)
			w.graph.Recorder.Reset()
			w.pass(checkEvery - time.Second)

			if calls := w.calls(""); len(calls) > 0 {
				t.Errorf("called %v before the time", calls)
			}

			w.pass(time.Second)
			w.state(health.SubscriptionActive, "")
			w.check(want, tc.posts...)
		})
	}
}

func TestShadowed(t *testing.T) {
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
			w.theirOverride(tc.id)
			w.start()

			if tc.problem == "" {
				w.state(health.SubscriptionActive, "")
			} else {
				w.state(health.SubscriptionFailed, tc.problem)
			}

			if s := w.standing(); (tc.id == account && s.Account != "/theirs") || (tc.id == number && s.Number != "/theirs") {
				t.Errorf("somebody's override was changed: %+v", s)
			}
		})
	}
}

func TestOverrideOfAnotherScopeDoesNoHarm(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, scope(config.CallbackPhoneNumber))
	w.start()
	w.graph.Recorder.Reset()
	declared := *w.config.CloudAPI.Subscription
	declared.CallbackScope = config.CallbackApp
	w.config.CloudAPI.Subscription = &declared
	w.reload()
	w.state(health.SubscriptionActive, "")
	w.check(standing{
		App:    "/ours",
		Fields: fields,
		Number: "/ours",
	})
}

func TestForeignCallbackGetsNoNewVerifyToken(t *testing.T) {
	w := newWorld(t, standin.GraphOptions{}, scope(config.CallbackBusinessAccount))
	w.theirApp(fields)
	w.start()
	w.graph.Recorder.Reset()
	w.secret(config.RoleVerifyToken, "rotated")
	w.reload()
	w.state(health.SubscriptionActive, "")
	w.check(standing{
		App:     "/theirs",
		Fields:  fields,
		Account: "/ours",
	}, accountURL)
}
