// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// whatsAppObject is the webhook object of WhatsApp business accounts.
const whatsAppObject = "whatsapp_business_account"

// webhooks are the callbacks of a Graph. A number's override has precedence over its account's, and that over the app's.
type webhooks struct {
	mu  sync.Mutex
	app *appSubscription
	// accounts maps every account to which the app is subscribed to its override; empty means none.
	accounts map[string]string
	numbers  map[string]string
}

type appSubscription struct {
	callbackURL string
	fields      []string
}

func newCallbackClient() *http.Client {
	return &http.Client{
		Timeout: 5 * time.Second,
		// A redirect is not an answer with the challenge.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// verify sends the verification request. Any answer but 200 and the challenge is error 2200.
func (g *Graph) verify(ctx context.Context, callbackURL, verifyToken string) *problem {
	n, err := rand.Int(rand.Reader, big.NewInt(1<<31))
	if err != nil {
		return &problem{code: 2}
	}

	challenge := n.String()
	failed := "Callback verification failed with the following errors: "

	status, body, err := Handshake(ctx, g.options.CallbackClient, callbackURL, verifyToken, challenge)
	switch {
	case err != nil:
		return &problem{
			code:    2200,
			title:   failed + "curl_errno = 7; HTTP Status Code = 0",
			details: err.Error(),
		}
	case status != http.StatusOK:
		return &problem{
			code:  2200,
			title: fmt.Sprintf("%sHTTP Status Code = %d; HTTP Message = %s", failed, status, http.StatusText(status)),
		}
	case strings.TrimSpace(body) != challenge:
		return &problem{code: 2200, title: failed + "the response does not match the challenge"}
	}

	return nil
}

// subscribeApp serves POST /{app-id}/subscriptions. An app's object has one callback, which a second call replaces.
func (g *Graph) subscribeApp(r *http.Request) (any, *problem) {
	values, p := params(r)
	if p != nil {
		return nil, p
	}

	if object := values.Get("object"); object != whatsAppObject {
		return nil, invalid("Param object must be one of {%s} - got %q.", whatsAppObject, object)
	}

	subscription := &appSubscription{
		callbackURL: values.Get("callback_url"),
		fields:      splitFields(values.Get("fields")),
	}

	p = g.checkCallback(r.Context(), "callback_url", subscription.callbackURL, values.Get("verify_token"))
	if p != nil {
		return nil, p
	}

	g.webhooks.mu.Lock()
	defer g.webhooks.mu.Unlock()

	g.webhooks.app = subscription

	return map[string]bool{"success": true}, nil
}

// splitFields parses fields written as "messages,calls" or as a JSON array.
func splitFields(value string) []string {
	var list []string
	if json.Unmarshal([]byte(value), &list) == nil {
		return list
	}

	return strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == ' ' })
}

func (g *Graph) checkCallback(ctx context.Context, parameter, callbackURL, verifyToken string) *problem {
	target, err := url.Parse(callbackURL)
	switch {
	case callbackURL == "":
		return invalid("The parameter %s is required.", parameter)
	case err != nil || target.Host == "" || (target.Scheme != "https" && target.Scheme != "http"):
		return invalid("Param %s must be a valid URL.", parameter)
	case len(callbackURL) > 200 && parameter == "override_callback_uri":
		return invalid("Param %s must be at most 200 characters long.", parameter)
	case verifyToken == "":
		return invalid("The parameter verify_token is required.")
	}

	return g.verify(ctx, callbackURL, verifyToken)
}

// getAppSubscriptions serves GET /{app-id}/subscriptions.
func (g *Graph) getAppSubscriptions(r *http.Request) (any, *problem) {
	type field struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}

	type subscription struct {
		Object      string  `json:"object"`
		CallbackURL string  `json:"callback_url"`
		Active      bool    `json:"active"`
		Fields      []field `json:"fields"`
	}

	g.webhooks.mu.Lock()
	defer g.webhooks.mu.Unlock()

	data := []subscription{}
	if app := g.webhooks.app; app != nil {
		fields := make([]field, len(app.fields))
		for i, name := range app.fields {
			fields[i] = field{name, r.PathValue("version")}
		}

		data = append(data, subscription{whatsAppObject, app.callbackURL, true, fields})
	}

	return map[string]any{"data": data}, nil
}

// unsubscribeApp serves DELETE /{app-id}/subscriptions. With fields it removes only those.
func (g *Graph) unsubscribeApp(r *http.Request) (any, *problem) {
	values, p := params(r)
	if p != nil {
		return nil, p
	}

	if object := values.Get("object"); object != "" && object != whatsAppObject {
		return nil, invalid("Param object must be one of {%s} - got %q.", whatsAppObject, object)
	}

	g.webhooks.mu.Lock()
	defer g.webhooks.mu.Unlock()

	app := g.webhooks.app
	if fields := splitFields(values.Get("fields")); len(fields) > 0 && app != nil {
		app = &appSubscription{callbackURL: app.callbackURL, fields: without(app.fields, fields)}
	}

	if values.Get("fields") == "" || (app != nil && len(app.fields) == 0) {
		app = nil
	}

	g.webhooks.app = app

	return map[string]bool{"success": true}, nil
}

func without(list, removed []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return slices.Contains(removed, name) })
}
