// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// signed reports whether header is the signature of the raw body by one of the secrets. It tries every secret and
// compares in constant time, so that timing does not reveal which secret matched or how closely.
//
// Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validating-payloads
func signed(body []byte, header string, secrets []string) bool {
	digits, ok := strings.CutPrefix(header, "sha256=")
	if !ok || len(digits) != hex.EncodedLen(sha256.Size) {
		return false
	}

	given, err := hex.DecodeString(digits)
	if err != nil {
		return false
	}

	match := false

	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		match = hmac.Equal(given, mac.Sum(nil)) || match
	}

	return match
}
