// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"net/http"
)

// notSubscribed is Graph's error for an override of an account to which the app is not subscribed.
const notSubscribed = "Before override the current callback uri, " +
	"your app must be subscribed to receive messages for WhatsApp Business Account"

// subscribeAccount serves POST /{waba-id}/subscribed_apps. Without parameters it subscribes the app and removes the
// override. With override_callback_uri and verify_token it sets an override, if the account is subscribed.
func (g *Graph) subscribeAccount(r *http.Request) (any, *problem) {
	account := r.PathValue("id")
	override := ""

	verifyToken := ""
	if r.ContentLength != 0 || r.URL.RawQuery != "" {
		values, p := params(r)
		if p != nil {
			return nil, p
		}

		override = values.Get("override_callback_uri")
		verifyToken = values.Get("verify_token")
	}

	if override != "" {
		if _, subscribed := g.accountOverride(account); !subscribed {
			return nil, invalid("%s", notSubscribed)
		}

		if p := g.checkCallback(r.Context(), "override_callback_uri", override, verifyToken); p != nil {
			return nil, p
		}
	}

	return g.storeOverride(g.webhooks.accounts, account, override)
}

// storeOverride sets an entry of webhooks.accounts or webhooks.numbers.
func (g *Graph) storeOverride(entries map[string]string, id, override string) (any, *problem) {
	g.webhooks.mu.Lock()
	defer g.webhooks.mu.Unlock()

	if _, known := entries[id]; !known && len(entries) >= maxNodes {
		return nil, &problem{code: 4, details: "the stand-in stores at most 1000 of these"}
	}

	entries[id] = override

	return map[string]bool{"success": true}, nil
}

func (g *Graph) accountOverride(account string) (override string, subscribed bool) {
	g.webhooks.mu.Lock()
	defer g.webhooks.mu.Unlock()

	override, subscribed = g.webhooks.accounts[account]

	return override, subscribed
}

// getAccount serves GET /{waba-id}/subscribed_apps.
func (g *Graph) getAccount(r *http.Request) (any, *problem) {
	data := []map[string]any{}
	if override, subscribed := g.accountOverride(r.PathValue("id")); subscribed {
		app := map[string]any{"whatsapp_business_api_data": map[string]string{
			"id":   g.options.AppID,
			"link": "https://www.facebook.com/games/?app_id=" + g.options.AppID,
			"name": "Stand-in",
		}}
		if override != "" {
			app["override_callback_uri"] = override
		}

		data = append(data, app)
	}

	for _, other := range g.Rules().OtherApps {
		data = append(data, map[string]any{"whatsapp_business_api_data": map[string]string{
			"id":   other,
			"link": "https://www.facebook.com/games/?app_id=" + other,
			"name": "Another app",
		}})
	}

	return map[string]any{"data": data}, nil
}

// unsubscribeAccount serves DELETE /{waba-id}/subscribed_apps. It removes the subscription and the override.
func (g *Graph) unsubscribeAccount(r *http.Request) (any, *problem) {
	g.webhooks.mu.Lock()
	defer g.webhooks.mu.Unlock()

	delete(g.webhooks.accounts, r.PathValue("id"))

	return map[string]bool{"success": true}, nil
}

// setNumberOverride serves POST /{phone-number-id} with a webhook_configuration. An empty URI removes the override.
func (g *Graph) setNumberOverride(r *http.Request) (any, *problem) {
	number := r.PathValue("id")
	if !g.hasNumber(number) {
		return nil, unknownObject(r, number)
	}

	values, p := params(r)
	if p != nil {
		return nil, p
	}

	raw := values.Get("webhook_configuration")
	if raw == "" {
		return nil, invalid("The parameter webhook_configuration is required.")
	}

	var configuration struct {
		Override    *string `json:"override_callback_uri"`
		VerifyToken string  `json:"verify_token"`
	}
	if err := json.Unmarshal([]byte(raw), &configuration); err != nil {
		return nil, invalid("Param webhook_configuration is not a JSON object: %v", err)
	}

	if configuration.Override == nil {
		return nil, invalid("The parameter webhook_configuration['override_callback_uri'] is required.")
	}

	if override := *configuration.Override; override != "" {
		if p := g.checkCallback(r.Context(), "override_callback_uri", override, configuration.VerifyToken); p != nil {
			return nil, p
		}
	}

	return g.storeOverride(g.webhooks.numbers, number, *configuration.Override)
}

// callbacksOf returns the webhook_configuration of a number. A Graph does not know which account a number belongs to, so the
// account's override exists only if exactly one account is subscribed.
func (g *Graph) callbacksOf(number string) map[string]string {
	g.webhooks.mu.Lock()
	defer g.webhooks.mu.Unlock()

	configuration := map[string]string{}
	set := func(name, callback string) {
		if callback != "" {
			configuration[name] = callback
		}
	}
	set("phone_number", g.webhooks.numbers[number])

	if len(g.webhooks.accounts) == 1 {
		for _, override := range g.webhooks.accounts {
			set("whatsapp_business_account", override)
		}
	}

	if g.webhooks.app != nil {
		set("application", g.webhooks.app.callbackURL)
	}

	return configuration
}
