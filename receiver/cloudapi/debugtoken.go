// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// TokenInfo describes an access token. A zero time means that there is no end.
type TokenInfo struct {
	Valid               bool
	AppID               string // the app that it was issued for; may be empty
	ExpiresAt           time.Time
	DataAccessExpiresAt time.Time // from then on it reads no data, although it is valid
	Scopes              []string  // permissions
}

// InspectToken describes an access token, authenticated as app, or by our access token if app is the zero App. An invalid
// token is not an error. Errors are of type *failure.Error, never Ambiguous, and never contain the token, which is part of
// the query.
//
// Source: https://developers.facebook.com/docs/graph-api/reference/debug_token
func (c *Client) InspectToken(ctx context.Context, app App, accessToken string) (TokenInfo, error) {
	const (
		op   = "inspect the access token"
		path = "debug_token"
	)

	request := call{
		op:     op,
		method: http.MethodGet,
		path:   path,
		query:  url.Values{"input_token": {accessToken}},
	}
	if app == (App{}) {
		app.ID = path
	} else {
		request.token = app.token()
	}

	response, err := c.manage(ctx, request, app.ID, nil)
	if err != nil && request.token == "" {
		return TokenInfo{}, err
	}

	if err != nil {
		return TokenInfo{}, inspectionFailed(err, app)
	}

	var debug struct {
		Data *struct {
			Valid               whatsapp.Flag   `json:"is_valid"`
			AppID               whatsapp.Text   `json:"app_id"`
			ExpiresAt           whatsapp.Text   `json:"expires_at"`
			DataAccessExpiresAt whatsapp.Text   `json:"data_access_expires_at"`
			Scopes              []whatsapp.Text `json:"scopes"`
		} `json:"data"`
	}
	if json.Unmarshal(response, &debug) != nil || debug.Data == nil {
		return TokenInfo{}, badResponse(op)
	}

	info := TokenInfo{
		Valid:               bool(debug.Data.Valid),
		AppID:               string(debug.Data.AppID),
		ExpiresAt:           whatsapp.UnixTime(debug.Data.ExpiresAt, time.Time{}),
		DataAccessExpiresAt: whatsapp.UnixTime(debug.Data.DataAccessExpiresAt, time.Time{}),
	}
	for _, scope := range debug.Data.Scopes {
		info.Scopes = append(info.Scopes, string(scope))
	}

	return info, nil
}

func inspectionFailed(err error, app App) error {
	f := *failure.Of(err)
	if f.Code != CodeInvalidParameter || f.Scope == failure.ScopeApp {
		return appFailed(err, app)
	}

	f.Text = "app " + app.ID + " may not inspect the access token: it was issued for another app"

	return &f
}
