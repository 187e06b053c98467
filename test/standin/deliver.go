// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// userAgent is the User-Agent of Meta's deliveries.
const userAgent = "facebookexternalua"

// Sign returns the value of X-Hub-Signature-256 for a body: "sha256=" and the HMAC in lowercase hex.
func Sign(appSecret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write(body)

	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Deliver posts a signed delivery and returns the status and at most 64 KiB of the body of the answer. It returns an
// error only if there is no complete answer. The client's timeout and ctx bound the call.
func Deliver(
	ctx context.Context,
	client *http.Client,
	callbackURL, appSecret string,
	body []byte,
) (status int, answer []byte, err error) {
	request, err := DeliveryRequest(ctx, callbackURL, appSecret, body)
	if err != nil {
		return 0, nil, err
	}

	return exchange(client, request)
}

// DeliveryRequest returns the request that posts a signed delivery.
func DeliveryRequest(ctx context.Context, callbackURL, appSecret string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, callbackURL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("building the delivery: %w", err)
	}

	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Hub-Signature-256", Sign(appSecret, body))
	request.Header.Set("User-Agent", userAgent)

	return request, nil
}

// Handshake sends the GET request with which Meta verifies a callback URL. It returns the status and at most 64 KiB of
// the body of the answer. The client's timeout and ctx bound the call.
func Handshake(
	ctx context.Context,
	client *http.Client,
	callbackURL, verifyToken, challenge string,
) (status int, body string, err error) {
	target, err := url.Parse(callbackURL)
	if err != nil {
		return 0, "", fmt.Errorf("reading the callback URL: %w", err)
	}

	query := target.Query()
	query.Set("hub.mode", "subscribe")
	query.Set("hub.challenge", challenge)
	query.Set("hub.verify_token", verifyToken)
	target.RawQuery = query.Encode()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody) //nolint:gosec // as in exchange
	if err != nil {
		return 0, "", fmt.Errorf("building the verification request: %w", err)
	}

	request.Header.Set("User-Agent", userAgent)
	status, answer, err := exchange(client, request)

	return status, string(answer), err
}

func exchange(client *http.Client, request *http.Request) (status int, answer []byte, err error) {
	response, err := client.Do(request) //nolint:gosec // Meta calls whatever callback is registered
	if err != nil {
		return 0, nil, fmt.Errorf("calling the webhook: %w", err)
	}
	defer func() { _ = response.Body.Close() }()

	answer, err = io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return response.StatusCode, nil, fmt.Errorf("reading the webhook's answer: %w", err)
	}

	return response.StatusCode, answer, nil
}
