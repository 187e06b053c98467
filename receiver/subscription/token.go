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

// The permissions of the access token: one to send messages and download media, one to manage subscriptions.
const (
	messagingPermission  = "whatsapp_business_messaging"
	managementPermission = "whatsapp_business_management"
)

// inspectToken queries the access token with each app secret until Meta accepts one, and returns the app with that secret.
func (c *check) inspectToken(ctx context.Context) (app cloudapi.App, info cloudapi.TokenInfo, err error) {
	for _, secret := range c.secrets.AppSecrets {
		app = cloudapi.App{ID: c.declared.AppID, Secret: secret}

		info, err = c.Graph.InspectToken(ctx, app, c.secrets.AccessToken)
		if err == nil || !cloudapi.AppRefused(err) {
			break
		}
	}

	return app, info, err
}

// assessToken reports the problems of the access token, and returns whether it may manage accounts and numbers.
func (c *check) assessToken(info cloudapi.TokenInfo) (canManage bool) {
	c.expiresAt = earliest(info.ExpiresAt, info.DataAccessExpiresAt)
	c.token = health.TokenAccepted

	const remedy = "make one of a system user, which does not expire, with " +
		messagingPermission + " and " + managementPermission +
		", and put it into the Secret of the access token"

	if !info.Valid {
		c.token = health.TokenRefused

		problem := "is not valid"
		if at := info.ExpiresAt; !at.IsZero() && !c.Clock.Now().Before(at) {
			problem = "expired on " + at.Format(time.RFC3339)
		}

		c.addProblem(fmt.Sprintf("the access token %s: %s", problem, remedy))

		return false
	}

	if info.AppID != "" && info.AppID != c.declared.AppID {
		c.addProblem(fmt.Sprintf(
			"the access token was made for app %s, not for app %s: correct the appID, or %s",
			info.AppID,
			c.declared.AppID,
			remedy,
		))

		return false
	}

	for _, scope := range []string{messagingPermission, managementPermission} {
		if !slices.Contains(info.Scopes, scope) {
			c.addProblem(fmt.Sprintf("the access token lacks the permission %s: %s", scope, remedy))
		}
	}

	return slices.Contains(info.Scopes, managementPermission)
}

// earliest returns the earlier of two times. A zero time counts as never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}

	return a
}
