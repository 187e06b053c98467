// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// refusalTTL is the time after which a field that Meta refused is tried again: meanwhile the app may have got it.
const refusalTTL = 6 * time.Hour

// reconcileApp subscribes the app, because an override has no effect without the app's own subscription. Fields that others
// added stay. If overrides are declared, an existing callback URL stays too.
func (c *check) reconcileApp(ctx context.Context, app cloudapi.App) error {
	found, err := c.Graph.AppSubscription(ctx, app)
	if err != nil {
		return err
	}

	if found == nil {
		found = &cloudapi.AppSubscription{}
	}

	to := c.destination
	if c.declared.CallbackScope == config.CallbackApp {
		c.watchCallback(app.ID, "app "+app.ID, found.CallbackURL)
	} else {
		to.URL = cmp.Or(found.CallbackURL, to.URL)
	}

	missing := slices.DeleteFunc(slices.Clone(c.declared.Fields), func(field string) bool {
		return slices.Contains(found.Fields, field) || c.isRefused(app.ID, field)
	})

	ours := to == c.destination
	upToDate := found.Active && found.CallbackURL == to.URL && len(missing) == 0

	if !upToDate || (ours && !c.hasOurVerifyToken(app.ID)) {
		err = c.subscribeApp(ctx, app, to, found.Fields, missing)
	}

	c.reportRefused(app.ID)

	if err != nil && !ours && failure.Of(err).Code == cloudapi.CodeCallbackUnverified {
		c.addProblem(fmt.Sprintf(
			"app %s is not subscribed to all of %s, and its callback, at %s, does not accept our verify token: "+
				"subscribe to the fields in Meta's App Dashboard",
			app.ID,
			strings.Join(c.declared.Fields, ", "),
			host(to.URL),
		))

		return nil
	}

	return err
}

// subscribeApp subscribes the app to the fields that it has and to the missing ones. If Meta refuses the request, it adds
// one field after the other, so that a field that Meta does not grant to the app does not block the others.
func (c *check) subscribeApp(
	ctx context.Context,
	app cloudapi.App,
	to cloudapi.Destination,
	present, missing []string,
) error {
	err := c.Graph.SubscribeApp(ctx, app, to, slices.Concat(present, missing))
	if !isRefusal(err) || len(missing) == 0 || len(present)+len(missing) == 1 {
		return c.recordChange(app.ID, err)
	}

	var refused []string

	for _, field := range missing {
		one := c.Graph.SubscribeApp(ctx, app, to, append(slices.Clone(present), field))

		switch {
		case one == nil:
			present = append(slices.Clone(present), field)
		case isRefusal(one):
			refused = append(refused, field)
		default:
			return one
		}
	}

	if len(refused) == len(missing) { // none was accepted, so the fields may not be the cause
		if len(present) == 0 {
			return err
		}

		if err := c.Graph.SubscribeApp(ctx, app, to, present); err != nil {
			return err
		}
	}

	for _, field := range refused {
		c.refused[fieldOf{app.ID, field}] = c.Clock.Now()
	}

	return c.recordChange(app.ID, nil)
}

// isRefusal reports whether Meta refuses a parameter or a permission, as it does for a field that the app may not have.
func isRefusal(err error) bool {
	if err == nil {
		return false
	}

	code := failure.Of(err).Code

	return code == cloudapi.CodeInvalidParameter || cloudapi.IsPermission(code)
}

// fieldOf is a webhook field of an app.
type fieldOf struct{ app, field string }

func (c *check) isRefused(app, field string) bool {
	at, refused := c.refused[fieldOf{app, field}]
	return refused && c.Clock.Since(at) < refusalTTL
}

// reportRefused reports the declared fields that Meta refused.
func (c *check) reportRefused(app string) {
	refused := slices.DeleteFunc(slices.Clone(c.declared.Fields), func(field string) bool { return !c.isRefused(app, field) })
	if len(refused) == 0 {
		return
	}

	c.addProblem(fmt.Sprintf(
		"Meta refuses the webhook fields %s of app %s, and the app is subscribed to the others: "+
			"give the app access to the fields, or leave them out of cloudAPI.subscription.fields",
		strings.Join(refused, ", "),
		app,
	))
}
