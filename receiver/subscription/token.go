// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package subscription

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
)

// The permissions that a receiver needs: to send and fetch media, and to subscribe.
const (
	messaging  = "whatsapp_business_messaging"
	management = "whatsapp_business_management"
)

// inspect asks about the access token with each app secret until one is taken, and returns the app with that secret.
func (c *check) inspect(ctx context.Context) (app cloudapi.App, info cloudapi.TokenInfo, err error) {
	for _, secret := range c.secrets.AppSecrets {
		app = cloudapi.App{ID: c.declared.AppID, Secret: secret}

		info, err = c.Graph.InspectToken(ctx, app, c.secrets.AccessToken)
		if err == nil || !cloudapi.AppRefused(err) {
			break
		}
	}

	return app, info, err
}

// judge blames what is wrong with the access token, and tells whether it can be used for accounts and numbers.
func (c *check) judge(info cloudapi.TokenInfo) (manages bool) {
	c.expiresAt = earliest(info.ExpiresAt, info.DataAccessExpiresAt)
	c.token = health.TokenAccepted

	const mend = "make one of a system user, which does not expire, with " + messaging + " and " + management + ", and put it into the Secret of the access token"
	if !info.Valid {
		c.token = health.TokenRefused

		why := "is not valid"
		if at := info.ExpiresAt; !at.IsZero() && !c.Clock.Now().Before(at) {
			why = "expired on " + at.Format(time.RFC3339)
		}

		c.blame(fmt.Sprintf("the access token %s: %s", why, mend))

		return false
	}

	if info.AppID != "" && info.AppID != c.declared.AppID {
		c.blame(fmt.Sprintf("the access token was made for app %s, not for app %s: correct the appID, or %s", info.AppID, c.declared.AppID, mend))
		return false
	}

	for _, scope := range []string{messaging, management} {
		if !slices.Contains(info.Scopes, scope) {
			c.blame(fmt.Sprintf("the access token lacks the permission %s: %s", scope, mend))
		}
	}

	return slices.Contains(info.Scopes, management)
}

// earliest leaves out zero times.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}

	return a
}
