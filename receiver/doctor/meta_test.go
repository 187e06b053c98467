// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"net/http"
	"net/url"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

var metaFaults = map[string]fault{
	"Meta is not reached": {
		provoke: func(h *harness) { h.reconfigure(func(c *config.Config) { c.CloudAPI.BaseURL = "http://127.0.0.1:1" }) },
		checks:  []string{"graph"},
		state:   doctor.Failure,
		detail:  "the connection to Meta failed",
		fix:     "egress",
	},
	"a clock that is ahead": {
		provoke: func(h *harness) { h.clock.Advance(2 * time.Minute) },
		checks:  []string{"clock"},
		state:   doctor.Failure,
		detail:  "ahead of Meta's",
		fix:     "NTP",
	},
	"a clock that is a little behind": {
		provoke: func(h *harness) { h.clock.Advance(-20 * time.Second) },
		checks:  []string{"clock"},
		state:   doctor.Warning,
		detail:  "behind Meta's",
		fix:     "NTP",
	},
	"an expired token": {
		prepare: func(h *harness) { h.options.Graph.TokenExpiresAt = time.Now().Add(-time.Hour) },
		early:   true,
		checks:  []string{"token"},
		state:   doctor.Failure,
		detail:  "expired on",
		fix:     "system user",
	},
	"a token that expires soon": {
		prepare: func(h *harness) { h.options.Graph.TokenExpiresAt = time.Now().Add(48 * time.Hour) },
		checks:  []string{"token"},
		state:   doctor.Warning,
		detail:  "expires on",
		fix:     "need not expire",
	},
	"a revoked token": {
		provoke: func(h *harness) { h.Graph.SetRules(func(r *standin.Rules) { r.TokenRevoked = true }) },
		checks:  []string{"token"},
		state:   doctor.Failure,
		detail:  "not valid",
		fix:     "system user",
	},
	"an unknown token": {
		provoke: func(h *harness) { h.setSecret(config.RoleAccessToken, "EAAunknown") },
		checks:  []string{"token"},
		state:   doctor.Failure,
		detail:  "not valid",
		fix:     "system user",
	},
	"a token of another app": {
		provoke: func(h *harness) { h.Graph.SetRules(func(r *standin.Rules) { r.TokenApp = "99" }) },
		checks:  []string{"token"},
		state:   doctor.Failure,
		detail:  "issued for app 99",
		fix:     "create the token for app " + appID,
	},
	"no permission to send": {
		provoke: func(h *harness) { h.setScopes("whatsapp_business_management") },
		checks:  []string{"token-scopes"},
		state:   doctor.Failure,
		detail:  "missing: whatsapp_business_messaging",
		fix:     "both permissions",
	},
	"no permission to manage": {
		provoke: func(h *harness) { h.setScopes("whatsapp_business_messaging") },
		checks:  []string{"token-scopes"},
		state:   doctor.Failure,
		detail:  "missing: whatsapp_business_management",
		fix:     "both permissions",
	},
	"a wrong app secret": {
		provoke: func(h *harness) { h.setSecret(config.RoleAppSecret, otherSecret) },
		checks:  []string{"app-secret"},
		state:   doctor.Failure,
		detail:  "Meta refuses the proof of the app secret",
		fix:     "refused with 401",
	},
	"a wrong app secret, and proofs are required": {
		provoke: func(h *harness) {
			h.Graph.SetRules(func(r *standin.Rules) { r.RequireAppSecret = true })
			h.setSecret(config.RoleAppSecret, otherSecret)
		},
		checks: []string{"app-secret"},
		state:  doctor.Failure,
		detail: "the app requires one",
		fix:    "calls to Meta too",
	},
	"the app is not subscribed": {
		provoke: func(h *harness) { h.askMeta(http.MethodDelete, appID+"/subscriptions", appID+"|"+appSecret, nil) },
		checks:  []string{"app-subscription"},
		state:   doctor.Failure,
		detail:  "is not subscribed to WhatsApp's webhooks",
		fix:     "declare cloudAPI.subscription",
	},
	"another callback URL": {
		provoke: func(h *harness) {
			h.askMeta(http.MethodPost, appID+"/subscriptions", appID+"|"+appSecret, url.Values{
				"object":       {"whatsapp_business_account"},
				"callback_url": {h.challenger() + "/other?secret=1"},
				"verify_token": {"x"},
				"fields":       {"messages,messaging_handovers,standby"},
			})
		},
		checks: []string{"app-subscription"},
		state:  doctor.Failure,
		detail: "delivers to 127.0.0.1",
		fix:    "callbackScope",
	},
	"a field is not subscribed": {
		provoke: func(h *harness) {
			h.askMeta(http.MethodDelete, appID+"/subscriptions?object=whatsapp_business_account&fields=standby", appID+"|"+appSecret, nil)
		},
		checks: []string{"app-subscription"},
		state:  doctor.Warning,
		detail: "standby",
		fix:    "Webhook fields",
	},
	"the field messages is not subscribed": {
		provoke: func(h *harness) {
			h.askMeta(http.MethodDelete, appID+"/subscriptions?object=whatsapp_business_account&fields=messages", appID+"|"+appSecret, nil)
		},
		checks: []string{"app-subscription"},
		state:  doctor.Failure,
		detail: "the field messages",
		fix:    "Webhook fields",
	},
	"the account is not subscribed": {
		provoke: func(h *harness) { h.askMeta(http.MethodDelete, account+"/subscribed_apps", accessToken, nil) },
		checks:  []string{"subscribed-apps"},
		state:   doctor.Failure,
		detail:  "is not subscribed to business account " + account,
		fix:     "businessAccountIDs",
	},
	"an override of the account": {
		provoke: func(h *harness) {
			h.askMeta(http.MethodPost, account+"/subscribed_apps", accessToken, url.Values{
				"override_callback_uri": {h.challenger() + "/other"},
				"verify_token":          {"x"},
			})
		},
		checks: []string{"overrides"},
		state:  doctor.Failure,
		detail: "business account " + account + " has an override",
		fix:    "remove the override",
	},
	"an override of the number": {
		provoke: func(h *harness) {
			h.askMeta(http.MethodPost, number, accessToken, url.Values{
				"webhook_configuration": {`{"override_callback_uri":"` + h.challenger() + `/other","verify_token":"x"}`},
			})
		},
		checks: []string{"overrides"},
		state:  doctor.Failure,
		detail: "phone number " + number + " has an override",
		fix:    "remove the override",
	},
	"another app at the account": {
		provoke: func(h *harness) { h.Graph.SetRules(func(r *standin.Rules) { r.OtherApps = []string{"55"} }) },
		checks:  []string{"responders"},
		state:   doctor.Warning,
		detail:  "app 55",
		fix:     "two answers",
	},
	"another responder": {
		provoke: func(h *harness) {
			h.process.Standby = func() []health.Standby { return []health.Standby{{PhoneNumberID: number, Messages: 3}} }
		},
		checks: []string{"responders"},
		state:  doctor.Failure,
		detail: "3 messages of phone number " + number,
		fix:    "Conversation routing",
	},
	"another responder to which conversations are passed": {
		provoke: func(h *harness) {
			h.reconfigure(func(c *config.Config) { c.Processing.PassThreadControl = true })
			h.process.Standby = func() []health.Standby { return []health.Standby{{PhoneNumberID: number, Messages: 3}} }
		},
		checks: []string{"responders"},
		state:  doctor.OK,
		detail: "go to standby",
	},
	"an unknown number": {
		provoke: func(h *harness) { h.Graph.SetRules(func(r *standin.Rules) { r.UnseenNumbers = []string{number} }) },
		checks:  []string{"numbers"},
		state:   doctor.Failure,
		detail:  "Meta does not know the id",
		fix:     "cloudAPI.phoneNumberIDs",
	},
	"the overrides of the number may not be read": {
		provoke: func(h *harness) {
			h.Graph.SetRules(func(r *standin.Rules) { r.UnseenFields = []string{"webhook_configuration"} })
		},
		checks: []string{"overrides"},
		state:  doctor.Skipped,
		detail: "Meta refuses to show the overrides of phone number " + number,
	},
	"the state of the number may not be read": {
		provoke: func(h *harness) {
			h.Graph.SetRules(func(r *standin.Rules) { r.UnseenFields = []string{"health_status"} })
		},
		checks: []string{"numbers"},
		state:  doctor.Failure,
		detail: "a permission is missing",
		fix:    "assign the business account",
	},
	"Meta does not answer for a number": {
		provoke: func(h *harness) { h.failAtMeta("/"+number, http.StatusServiceUnavailable, "") },
		checks:  []string{"numbers", "quality", "sending", "overrides"},
		state:   doctor.Skipped,
		detail:  "phone number " + number + " could not be read: ",
		fix:     "run the check again",
	},
	"Meta limits the calls for a number": {
		provoke: func(h *harness) {
			h.failAtMeta("/"+number, http.StatusBadRequest, `{"error":{"message":"(#80008) There have been too many calls","code":80008}}`)
		},
		checks: []string{"numbers", "quality", "sending", "overrides"},
		state:  doctor.Skipped,
		detail: "phone number " + number + " could not be read: ",
		fix:    "run the check again",
	},
	"Meta does not answer for the account": {
		provoke: func(h *harness) { h.failAtMeta("/"+account+"/subscribed_apps", http.StatusServiceUnavailable, "") },
		checks:  []string{"subscribed-apps", "overrides", "responders"},
		state:   doctor.Skipped,
		detail:  "business account " + account + " could not be read: ",
		fix:     "run the check again",
	},
	"Meta does not answer for the app": {
		provoke: func(h *harness) { h.failAtMeta("/"+appID+"/subscriptions", http.StatusServiceUnavailable, "") },
		checks:  []string{"app-subscription"},
		state:   doctor.Skipped,
		detail:  "the subscription of app " + appID + " could not be read: ",
		fix:     "run the check again",
	},
	"Meta does not answer for the token": {
		provoke: func(h *harness) { h.failAtMeta("/debug_token", http.StatusServiceUnavailable, "") },
		checks:  []string{"token", "token-scopes", "app-secret", "numbers"},
		state:   doctor.Skipped,
		detail:  "the access token could not be read: ",
		fix:     "run the check again",
	},
	"a number that is not registered": {
		provoke: func(h *harness) { h.setNumber(standin.NumberState{Platform: "NOT_APPLICABLE", Status: "PENDING"}) },
		checks:  []string{"numbers"},
		state:   doctor.Failure,
		detail:  "is not registered on the Cloud API",
		fix:     "/register",
	},
	"a disconnected number": {
		provoke: func(h *harness) { h.setNumber(standin.NumberState{Status: "DISCONNECTED"}) },
		checks:  []string{"numbers"},
		state:   doctor.Failure,
		detail:  "DISCONNECTED",
		fix:     "/register",
	},
	"a banned number": {
		provoke: func(h *harness) { h.setNumber(standin.NumberState{Status: "BANNED"}) },
		checks:  []string{"numbers"},
		state:   doctor.Failure,
		detail:  "BANNED",
		fix:     "WhatsApp Manager",
	},
	"a declined name": {
		provoke: func(h *harness) { h.setNumber(standin.NumberState{NameStatus: "DECLINED"}) },
		checks:  []string{"numbers"},
		state:   doctor.Warning,
		detail:  "display name",
		fix:     "another display name",
	},
	"a test number": {
		provoke: func(h *harness) { h.setNumber(standin.NumberState{Mode: "SANDBOX"}) },
		checks:  []string{"numbers"},
		state:   doctor.Warning,
		detail:  "test number",
		fix:     "on its list",
	},
	"a number of the Business app": {
		provoke: func(h *harness) { h.setNumber(standin.NumberState{OnBizApp: true}) },
		checks:  []string{"numbers"},
		state:   doctor.Warning,
		detail:  "WhatsApp Business app",
		fix:     "cloudAPI.coexistence",
	},
	"low quality": {
		provoke: func(h *harness) { h.setNumber(standin.NumberState{Quality: "RED"}) },
		checks:  []string{"quality"},
		state:   doctor.Failure,
		detail:  "RED",
		fix:     "WhatsApp Manager",
	},
	"medium quality": {
		provoke: func(h *harness) { h.setNumber(standin.NumberState{Quality: "YELLOW"}) },
		checks:  []string{"quality"},
		state:   doctor.Warning,
		detail:  "YELLOW",
		fix:     "WhatsApp Manager",
	},
	"a payment problem": {
		provoke: func(h *harness) { h.setNumber(standin.NumberState{Blocked: map[string]int{"WABA": 131042}}) },
		checks:  []string{"sending"},
		state:   doctor.Failure,
		detail:  "because of the business account: the business account has a payment problem",
		fix:     "payment methods",
	},
}

// failAtMeta lets Meta answer reads below a path with an error.
func (h *harness) failAtMeta(path string, status int, body string) {
	h.Graph.Faults.Add(standin.Fault{
		Method:     http.MethodGet,
		PathPrefix: path,
		Status:     status,
		Body:       body,
	})
}

func (h *harness) setScopes(scopes ...string) {
	h.Graph.SetRules(func(r *standin.Rules) { r.TokenScopes = scopes })
}

func (h *harness) setNumber(state standin.NumberState) {
	h.Graph.SetRules(func(r *standin.Rules) { r.Numbers = map[string]standin.NumberState{number: state} })
}
