// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"context"
	"fmt"
	"net/url"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// reconcileAccount subscribes the app to an account, and sets the account's override if the configuration declares it. These
// are two calls, because Meta rejects an override for an account that the app is not subscribed to.
func (c *check) reconcileAccount(ctx context.Context, id string) error {
	found, err := c.Graph.AccountSubscription(ctx, id, c.declared.AppID)
	if err != nil {
		return err
	}

	if found == nil {
		if err := c.Graph.SubscribeAccount(ctx, id); err != nil {
			return err
		}

		c.Log.Info("app subscribed to business account", "id", id)

		found = &cloudapi.AccountSubscription{}
	}

	switch c.declared.CallbackScope {
	case config.CallbackBusinessAccount:
		c.watchCallback(id, "business account "+id, found.OverrideURL)

		if found.OverrideURL == c.destination.URL && c.hasOurVerifyToken(id) {
			return nil
		}

		return c.recordChange(id, c.Graph.OverrideAccount(ctx, id, c.destination))
	case config.CallbackApp:
		c.reportOverride("business account "+id, found.OverrideURL)
	}

	return nil // a number's override takes precedence over its account's
}

// reconcileNumber sets a number's override if the configuration declares it. Otherwise it reports overrides that apply to
// the number.
func (c *check) reconcileNumber(ctx context.Context, id string) error {
	found, err := c.Graph.NumberCallbacks(ctx, id)
	if err != nil {
		return err
	}

	if c.declared.CallbackScope == config.CallbackPhoneNumber {
		c.watchCallback(id, "phone number "+id, found.NumberURL)

		if found.NumberURL == c.destination.URL && c.hasOurVerifyToken(id) {
			return nil
		}

		return c.recordChange(id, c.Graph.OverrideNumber(ctx, id, c.destination))
	}

	c.reportOverride("phone number "+id, found.NumberURL)

	if len(c.declared.BusinessAccountIDs) == 0 { // otherwise reconcileAccount reports it
		c.reportOverride("the business account of phone number "+id, found.AccountURL)
	}

	return nil
}

// reportOverride reports an override that sends deliveries elsewhere. An override with our own URL is harmless.
func (c *check) reportOverride(subject, override string) {
	if override == "" || override == c.destination.URL {
		return
	}

	c.addProblem(fmt.Sprintf(
		"%s has an override of the callback, to %s, so its messages are not delivered here: "+
			"remove it, or declare callbackScope BusinessAccount or PhoneNumber",
		subject,
		host(override),
	))
}

// callbackOf is an app, account or number whose callback has this scope.
type callbackOf struct {
	scope config.CallbackScope
	id    string
}

// conflictFixes are the actions for an administrator if two receivers set the callback of one scope.
var conflictFixes = map[config.CallbackScope]string{
	config.CallbackApp: "if several resources share the app, give each callbackScope PhoneNumber or BusinessAccount, " +
		"or keep one resource",
	config.CallbackBusinessAccount: "if several resources share the account, give each callbackScope PhoneNumber, or keep one resource",
	config.CallbackPhoneNumber:     "keep one resource for each number",
}

// watchCallback reports that the callback of id was ours and has changed. The check restores it. If another receiver sets it
// too, each receives some minutes of deliveries, and only this report shows it.
func (c *check) watchCallback(id, subject, found string) {
	of := callbackOf{c.declared.CallbackScope, id}
	last, known := c.callbacks[of]

	switch found {
	case "": // it was removed, or never set
	case c.destination.URL, last:
		c.callbacks[of] = found
	default:
		if !known {
			return
		}

		c.overwritten = append(c.overwritten, fmt.Sprintf(
			"since the last check the callback of %s was changed to another URL, at %s, and it is set to ours again: "+
				"something else sets it too, and messages go to one or the other. In resources, %s; elsewhere, stop setting it",
			subject,
			host(found),
			conflictFixes[c.declared.CallbackScope],
		))
	}
}

// hasOurVerifyToken reports whether Meta has our current verify token for id. Meta does not return the token, so the first
// check assumes that it does.
func (c *check) hasOurVerifyToken(id string) bool {
	if _, known := c.registered[id]; !known {
		c.registered[id] = c.tokenHash
	}

	return c.registered[id] == c.tokenHash
}

// recordChange records that Meta accepted our verify token for id, unless err is not nil. It returns err.
func (c *check) recordChange(id string, err error) error {
	if err != nil {
		return err
	}

	c.registered[id] = c.tokenHash
	c.callbacks[callbackOf{c.declared.CallbackScope, id}] = c.destination.URL
	c.Log.Info("webhook callback set at Meta", "id", id)

	return nil
}

// host returns the host of a foreign callback URL. The rest of the URL may contain a secret.
func host(callback string) string {
	u, err := url.Parse(callback)
	if err != nil {
		return "an invalid URL"
	}

	return u.Host
}
