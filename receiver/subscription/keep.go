// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// keepApp keeps the app's own subscription, without which no override has an effect. Fields that somebody added stay, and
// with overrides declared so does a callback.
func (c *check) keepApp(ctx context.Context, app cloudapi.App) error {
	found, err := c.Graph.AppSubscription(ctx, app)
	if err != nil {
		return err
	}

	if found == nil {
		found = &cloudapi.AppSubscription{}
	}

	to := c.ours
	if c.declared.CallbackScope != config.CallbackApp {
		to.URL = cmp.Or(found.CallbackURL, to.URL)
	}

	missing := slices.DeleteFunc(slices.Clone(c.declared.Fields), func(field string) bool { return slices.Contains(found.Fields, field) })
	if found.Active && found.CallbackURL == to.URL && len(missing) == 0 && (to != c.ours || c.isRegistered(app.ID)) {
		return nil
	}

	err = c.Graph.SubscribeApp(ctx, app, to, append(found.Fields, missing...))
	if err != nil && to != c.ours && failure.Of(err).Code == cloudapi.CodeCallbackUnverified {
		c.blame(fmt.Sprintf("app %s is not subscribed to all of %s, and its callback, at %s, does not know our verify token: subscribe to them in Meta's App Dashboard",
			app.ID, strings.Join(c.declared.Fields, ", "), host(to.URL)))

		return nil
	}

	return c.changed(app.ID, err)
}

// keepAccount subscribes the app to an account, and keeps the account's override where that is declared. It takes two
// calls: Meta takes no override of an account that the app is not subscribed to.
func (c *check) keepAccount(ctx context.Context, id string) error {
	found, err := c.Graph.AccountSubscription(ctx, id, c.declared.AppID)
	if err != nil {
		return err
	}

	if found == nil {
		if err := c.Graph.SubscribeAccount(ctx, id); err != nil {
			return err
		}

		c.Log.Info("subscribed to a business account", "id", id)

		found = &cloudapi.AccountSubscription{}
	}

	switch c.declared.CallbackScope {
	case config.CallbackBusinessAccount:
		if found.OverrideURL == c.ours.URL && c.isRegistered(id) {
			return nil
		}

		return c.changed(id, c.Graph.OverrideAccount(ctx, id, c.ours))
	case config.CallbackApp:
		c.shadowed("business account "+id, found.OverrideURL)
	}

	return nil // an override of a number goes before that of its account
}

// keepNumber keeps a number's override where that is declared, or else sees to it that there is none.
func (c *check) keepNumber(ctx context.Context, id string) error {
	found, err := c.Graph.NumberCallbacks(ctx, id)
	if err != nil {
		return err
	}

	if c.declared.CallbackScope == config.CallbackPhoneNumber {
		if found.NumberURL == c.ours.URL && c.isRegistered(id) {
			return nil
		}

		return c.changed(id, c.Graph.OverrideNumber(ctx, id, c.ours))
	}

	c.shadowed("phone number "+id, found.NumberURL)

	if len(c.declared.BusinessAccountIDs) == 0 { // else it was said of the account
		c.shadowed("the business account of phone number "+id, found.AccountURL)
	}

	return nil
}

// shadowed blames an override that takes deliveries elsewhere. One that brings them here does no harm.
func (c *check) shadowed(what, override string) {
	if override != "" && override != c.ours.URL {
		c.blame(fmt.Sprintf("%s has an override of the callback, to %s, so its messages are not delivered here: remove it, or declare callbackScope BusinessAccount or PhoneNumber", what, host(override)))
	}
}

// isRegistered tells whether Meta has our verify token for id, as far as it can be known: the first time it is taken
// for granted, since Meta does not tell.
func (c *check) isRegistered(id string) bool {
	if _, known := c.registered[id]; !known {
		c.registered[id] = c.proof
	}

	return c.registered[id] == c.proof
}

// changed remembers that Meta took our verify token for id, unless err says that it did not.
func (c *check) changed(id string, err error) error {
	if err != nil {
		return err
	}

	c.registered[id] = c.proof
	c.Log.Info("webhook callback set at Meta", "id", id)

	return nil
}

// host is as much of somebody else's URL as can be told: the rest may hold a secret.
func host(callback string) string {
	u, err := url.Parse(callback)
	if err != nil {
		return "an unreadable address"
	}

	return u.Host
}
