// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
)

// sign returns the signature over the bytes of a body, as Bird's trigger checks it.
//
// Source: https://docs.bird.com/applications/automation/flows/concepts/triggers/http-endpoint-trigger
func sign(payload *assistant.Payload, key string) (string, error) {
	body, err := payload.Open()
	if err != nil {
		return "", err
	}
	defer body.Close()

	mac := hmac.New(sha256.New, []byte(key))
	if _, err := io.Copy(mac, body); err != nil {
		return "", fmt.Errorf("sign the request: %w", err)
	}

	return "sha256=" + hex.EncodeToString(mac.Sum(nil)), nil
}
