// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package webhook reads deliveries and checks their signatures, for the servers that are measured beside the receiver.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
)

// MaxBody is the limit of a delivery, in bytes: that of the receiver.
const MaxBody = 4 << 20

// Read returns the body of a delivery that is signed with an app secret. It answers 400 or 401 if there is none, and reports
// false.
func Read(w http.ResponseWriter, r *http.Request, secret []byte) (body []byte, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return nil, false
	}

	mac := hmac.New(sha256.New, secret)
	mac.Write(body)

	signature, err := hex.DecodeString(strings.TrimPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256="))
	if err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
		w.WriteHeader(http.StatusUnauthorized)
		return nil, false
	}

	return body, true
}
