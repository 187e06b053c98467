// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// webhookObject is the object type of WhatsApp's webhooks.
const webhookObject = "whatsapp_business_account"

// App is an app at Meta and its secret.
type App struct {
	ID     string
	Secret string
}

// token returns the app access token, which Meta accepts without a login.
//
// Source: https://developers.facebook.com/docs/facebook-login/guides/access-tokens#apptokens
func (a App) token() string { return a.ID + "|" + a.Secret }

// Destination is a callback for webhooks. Meta sends the verify token to it before accepting it.
type Destination struct {
	URL         string
	VerifyToken string
}

// AppSubscription is an app's subscription to WhatsApp's webhooks.
type AppSubscription struct {
	CallbackURL string
	Active      bool
	Fields      []string
}

// AppSubscription returns the app's subscription, or nil if it has none. Errors, here and below, are of type
// *failure.Error and never Ambiguous: these calls may be repeated safely.
//
// Source: https://developers.facebook.com/docs/graph-api/reference/app/subscriptions
func (c *Client) AppSubscription(ctx context.Context, app App) (*AppSubscription, error) {
	op := "read the subscription of app " + app.ID

	response, err := c.manage(ctx, call{
		op:     op,
		method: http.MethodGet,
		path:   app.ID + "/subscriptions",
		token:  app.token(),
	}, app.ID, nil)
	if err != nil {
		return nil, appFailed(err, app)
	}

	var list struct {
		Data []struct {
			Object      whatsapp.Text `json:"object"`
			CallbackURL whatsapp.Text `json:"callback_url"`
			Active      whatsapp.Flag `json:"active"`
			Fields      []struct {
				Name whatsapp.Text `json:"name"`
			} `json:"fields"`
		} `json:"data"`
	}
	if json.Unmarshal(response, &list) != nil {
		return nil, badResponse(op)
	}

	for _, s := range list.Data {
		if s.Object != webhookObject {
			continue
		}

		found := &AppSubscription{CallbackURL: string(s.CallbackURL), Active: bool(s.Active)}
		for _, field := range s.Fields {
			found.Fields = append(found.Fields, string(field.Name))
		}

		return found, nil
	}

	return nil, nil
}

// SubscribeApp replaces the app's callback and fields.
func (c *Client) SubscribeApp(ctx context.Context, app App, to Destination, fields []string) error {
	_, err := c.manage(ctx, call{
		op:     "subscribe app " + app.ID,
		method: http.MethodPost,
		path:   app.ID + "/subscriptions",
		token:  app.token(),
	}, app.ID, map[string]string{
		"object":       webhookObject,
		"callback_url": to.URL,
		"verify_token": to.VerifyToken,
		"fields":       strings.Join(fields, ","),
	})

	return appFailed(err, app)
}

// AccountSubscription is an app's subscription to one WhatsApp Business Account.
type AccountSubscription struct {
	AppID       string
	OverrideURL string // the callback of the account's messages instead of the app's; empty if there is none
}

// AccountSubscription returns the app's subscription to the account, or nil if it has none.
func (c *Client) AccountSubscription(ctx context.Context, accountID, appID string) (*AccountSubscription, error) {
	all, err := c.AccountSubscriptions(ctx, accountID)
	if err != nil {
		return nil, err
	}

	for _, s := range all {
		if s.AppID == appID {
			return &s, nil
		}
	}

	return nil, nil
}

// AccountSubscriptions returns the subscriptions of all apps to the account.
func (c *Client) AccountSubscriptions(ctx context.Context, accountID string) ([]AccountSubscription, error) {
	op := "read the subscriptions of business account " + accountID

	response, err := c.manage(ctx, call{
		op:     op,
		method: http.MethodGet,
		path:   accountID + "/subscribed_apps",
	}, accountID, nil)
	if err != nil {
		return nil, err
	}

	var list struct {
		Data []struct {
			App struct {
				ID whatsapp.Text `json:"id"`
			} `json:"whatsapp_business_api_data"`
			OverrideURL whatsapp.Text `json:"override_callback_uri"`
		} `json:"data"`
	}
	if json.Unmarshal(response, &list) != nil {
		return nil, badResponse(op)
	}

	all := make([]AccountSubscription, 0, len(list.Data))
	for _, s := range list.Data {
		all = append(all, AccountSubscription{AppID: string(s.App.ID), OverrideURL: string(s.OverrideURL)})
	}

	return all, nil
}

// SubscribeAccount subscribes the access token's app to the account and removes an override.
func (c *Client) SubscribeAccount(ctx context.Context, accountID string) error {
	_, err := c.manage(ctx, call{
		op:     "subscribe to business account " + accountID,
		method: http.MethodPost,
		path:   accountID + "/subscribed_apps",
	}, accountID, nil)

	return err
}

// OverrideAccount sends the account's messages to a callback other than the app's. The app must be subscribed to the
// account.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override
func (c *Client) OverrideAccount(ctx context.Context, accountID string, to Destination) error {
	op := "override the callback of business account " + accountID
	_, err := c.manage(ctx, call{
		op:     op,
		method: http.MethodPost,
		path:   accountID + "/subscribed_apps",
	}, accountID, override(to))

	return err
}

// NumberCallbacks are the overrides that apply to a phone number; its own takes precedence. Empty means none.
type NumberCallbacks struct {
	NumberURL  string
	AccountURL string
}

// callbacksField is the field of a phone number that has its overrides.
const callbacksField = "webhook_configuration"

// callbacksNode is a phone number with callbacksField.
type callbacksNode struct {
	Configuration struct {
		PhoneNumber     whatsapp.Text `json:"phone_number"`
		BusinessAccount whatsapp.Text `json:"whatsapp_business_account"`
	} `json:"webhook_configuration"`
}

func (n *callbacksNode) callbacks() NumberCallbacks {
	return NumberCallbacks{
		NumberURL:  string(n.Configuration.PhoneNumber),
		AccountURL: string(n.Configuration.BusinessAccount),
	}
}

// NumberCallbacks returns the overrides for a phone number's messages.
func (c *Client) NumberCallbacks(ctx context.Context, phoneNumberID string) (NumberCallbacks, error) {
	op := "read the callback of phone number " + phoneNumberID

	response, err := c.manage(ctx, call{
		op:     op,
		method: http.MethodGet,
		path:   phoneNumberID,
		query:  url.Values{"fields": {callbacksField}},
	}, phoneNumberID, nil)
	if err != nil {
		return NumberCallbacks{}, err
	}

	var number callbacksNode
	if json.Unmarshal(response, &number) != nil {
		return NumberCallbacks{}, badResponse(op)
	}

	return number.callbacks(), nil
}

// OverrideNumber sends the phone number's messages to a callback other than its account's and the app's.
func (c *Client) OverrideNumber(ctx context.Context, phoneNumberID string, to Destination) error {
	op := "override the callback of phone number " + phoneNumberID
	_, err := c.manage(ctx, call{
		op:     op,
		method: http.MethodPost,
		path:   phoneNumberID,
	}, phoneNumberID, map[string]any{callbacksField: override(to)})

	return err
}

func override(to Destination) map[string]string {
	return map[string]string{"override_callback_uri": to.URL, "verify_token": to.VerifyToken}
}
