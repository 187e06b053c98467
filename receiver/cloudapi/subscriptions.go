// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// webhookObject is what the webhooks of WhatsApp are about.
const webhookObject = "whatsapp_business_account"

// App is an app at Meta, with a secret that proves it.
type App struct {
	ID     string
	Secret string
}

// token is an app access token that need not be asked for.
//
// Source: https://developers.facebook.com/docs/facebook-login/guides/access-tokens#apptokens
func (a App) token() string { return a.ID + "|" + a.Secret }

// Destination is where Meta is to deliver. Meta calls it with the verify token before it takes it.
type Destination struct {
	URL         string
	VerifyToken string
}

// AppSubscription is what an app gets of the webhooks of WhatsApp.
type AppSubscription struct {
	CallbackURL string
	Active      bool
	Fields      []string
}

// AppSubscription returns nil where the app has none. Errors, here and below, are of type *failure.Error and never
// Ambiguous: what these calls do may be done again.
//
// Source: https://developers.facebook.com/docs/graph-api/reference/app/subscriptions
func (c *Client) AppSubscription(ctx context.Context, app App) (*AppSubscription, error) {
	op := "read the subscription of app " + app.ID

	answer, err := c.manage(ctx, call{
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
	if json.Unmarshal(answer, &list) != nil {
		return nil, badAnswer(op)
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

// AccountSubscription is what an app gets of one WhatsApp Business Account.
type AccountSubscription struct {
	OverrideURL string // where the account's messages go instead of to the app's callback; empty where there is none
}

// AccountSubscription returns nil where the app is not subscribed to the account.
func (c *Client) AccountSubscription(ctx context.Context, accountID, appID string) (*AccountSubscription, error) {
	op := "read the subscriptions of business account " + accountID

	answer, err := c.manage(ctx, call{
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
	if json.Unmarshal(answer, &list) != nil {
		return nil, badAnswer(op)
	}

	for _, s := range list.Data {
		if string(s.App.ID) == appID {
			return &AccountSubscription{OverrideURL: string(s.OverrideURL)}, nil
		}
	}

	return nil, nil
}

// SubscribeAccount subscribes the access token's app to the account, and takes an override away.
func (c *Client) SubscribeAccount(ctx context.Context, accountID string) error {
	_, err := c.manage(ctx, call{
		op:     "subscribe to business account " + accountID,
		method: http.MethodPost,
		path:   accountID + "/subscribed_apps",
	}, accountID, nil)

	return err
}

// OverrideAccount sends the account's messages to another callback than the app's, which must be subscribed to it.
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

// NumberCallbacks are the overrides that reach a phone number, of which its own wins. Empty where there is none.
type NumberCallbacks struct {
	NumberURL  string
	AccountURL string
}

// NumberCallbacks reads where a phone number's messages go.
func (c *Client) NumberCallbacks(ctx context.Context, phoneNumberID string) (NumberCallbacks, error) {
	op := "read the callback of phone number " + phoneNumberID

	answer, err := c.manage(ctx, call{
		op:     op,
		method: http.MethodGet,
		path:   phoneNumberID,
		query:  url.Values{"fields": {"webhook_configuration"}},
	}, phoneNumberID, nil)
	if err != nil {
		return NumberCallbacks{}, err
	}

	var number struct {
		Configuration struct {
			PhoneNumber     whatsapp.Text `json:"phone_number"`
			BusinessAccount whatsapp.Text `json:"whatsapp_business_account"`
		} `json:"webhook_configuration"`
	}
	if json.Unmarshal(answer, &number) != nil {
		return NumberCallbacks{}, badAnswer(op)
	}

	return NumberCallbacks{NumberURL: string(number.Configuration.PhoneNumber), AccountURL: string(number.Configuration.BusinessAccount)}, nil
}

// OverrideNumber sends the phone number's messages to another callback than its account's and the app's.
func (c *Client) OverrideNumber(ctx context.Context, phoneNumberID string, to Destination) error {
	op := "override the callback of phone number " + phoneNumberID
	_, err := c.manage(ctx, call{
		op:     op,
		method: http.MethodPost,
		path:   phoneNumberID,
	}, phoneNumberID, map[string]any{"webhook_configuration": override(to)})

	return err
}

func override(to Destination) map[string]string {
	return map[string]string{"override_callback_uri": to.URL, "verify_token": to.VerifyToken}
}

// manage makes a call about the object id that may be repeated safely. Parameters are for a POST; nil: it has none.
func (c *Client) manage(ctx context.Context, call call, id string, parameters any) ([]byte, error) {
	if !isID(id) {
		return nil, &failure.Error{
			Class: failure.Permanent,
			Op:    call.op,
			Code:  CodeBadID,
			Text:  "this is no id of Meta's",
		}
	}

	if parameters != nil {
		body, err := json.Marshal(parameters)
		if err != nil {
			return nil, fmt.Errorf("%s: encode the parameters: %w", call.op, err)
		}

		call.body = body
	}

	answer, err := c.do(ctx, call)
	if err == nil {
		return answer, nil
	}

	f := *failure.Of(err)
	if f.Class == failure.Ambiguous {
		f.Class = failure.Transient
	}

	switch {
	case f.Code == CodeInvalidParameter && call.method == http.MethodGet:
		f.Text = "Meta does not know the id, or gives no access to it: check the id, and that the access token's system user has this asset"
	case f.Code == CodeInvalidParameter:
		f.Text = "Meta refuses a parameter: check the callback URL and the fields"
	case permissionCode.MatchString(f.Code):
		f.Text = "a permission is missing: the access token needs whatsapp_business_management, and its system user this asset"
	}

	return nil, &f
}

// permissionCode are the codes by which Meta says that a token may not do something.
var permissionCode = regexp.MustCompile(`^(3|10|131005|2[0-9]{2})$`)

// appFailed puts the refusal of an app access token into words of its own: the access token has no part in it.
func appFailed(err error, app App) error {
	if err == nil || !AppRefused(err) {
		return err
	}

	f := *failure.Of(err)
	f.Text = fmt.Sprintf("Meta refuses the app secret: check that it is the one of app %s", app.ID)

	return &f
}

// AppRefused tells whether a call with an app access token failed because Meta refuses the app's secret.
func AppRefused(err error) bool {
	f := failure.Of(err)
	return TokenRefused(f) || f.Code == CodeUnknownApp
}

func badAnswer(op string) error {
	return &failure.Error{
		Class: failure.Transient,
		Op:    op,
		Code:  CodeBadResponse,
		Text:  "Meta answered 200 with something else than was asked for",
	}
}

var verificationStatus = regexp.MustCompile(`HTTP Status Code = ([0-9]{1,3})`)

// verificationAnswer picks out of Meta's words what the callback answered.
func verificationAnswer(answer []byte) string {
	switch found := verificationStatus.FindSubmatch(answer); {
	case found == nil:
		return ""
	case string(found[1]) == "0":
		return "; Meta could not reach it"
	default:
		return "; it answered HTTP " + string(found[1])
	}
}
