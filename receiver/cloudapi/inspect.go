// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/httpclient"
)

// AcceptsProof reports whether Meta accepts a call with our access token and the proof of an app secret. Without a secret,
// the call has no proof, and the result says whether the app of the token requires one.
func (c *Client) AcceptsProof(ctx context.Context, appSecret string) (bool, error) {
	_, err := c.manage(ctx, call{
		op:     "check the proof of the app secret",
		method: http.MethodGet,
		path:   "me",
		query:  url.Values{"fields": {"id"}},
		proof:  &appSecret,
	}, "me", nil)
	if err == nil {
		return true, nil
	}

	if ProofRefused(err) {
		return false, nil
	}

	return false, err
}

// ProofRefused reports whether a call failed because Meta refuses the proof of every app secret, or requires a proof.
func ProofRefused(err error) bool {
	f := failure.Of(err)
	return f.Code == CodeInvalidParameter && f.Scope == failure.ScopeApp
}

// Time returns the time of Meta's server. It needs no access token.
func (c *Client) Time(ctx context.Context) (time.Time, error) {
	settings := c.live.Current()

	const op = "read the time of Meta"

	response, fault := c.http.Do(ctx, httpclient.Call{
		Op:         op,
		Method:     http.MethodHead,
		BaseURL:    settings.CloudAPI.BaseURL,
		Path:       []string{settings.CloudAPI.Version},
		Timeout:    settings.CloudAPI.Timeout,
		Idempotent: true,
	})
	if fault != nil {
		return time.Time{}, fault
	}

	at, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return time.Time{}, badResponse(op)
	}

	return at, nil
}
