// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package signature signs and verifies requests by the Standard Webhooks scheme, with keys in each form that people use.
package signature

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Tolerance is how old, and how far ahead, the timestamp of a signature may be.
//
// Source: https://github.com/standard-webhooks/standard-webhooks, "Verifying webhook authenticity"; the library has 5 minutes.
const Tolerance = 5 * time.Minute

// ErrWrong is the error for a request without a signature of the key, or with one whose timestamp is beyond Tolerance.
var ErrWrong = errors.New("the signature is wrong")

// Key is a symmetric key.
type Key struct{ webhook *standardwebhooks.Webhook }

// NewKey returns the key that a text stands for: base64, with or without the prefix whsec_, as NewWebhook of the library
// reads it; any other text stands for its own bytes, as for NewWebhookRaw.
func NewKey(text string) Key {
	if webhook, err := standardwebhooks.NewWebhook(text); err == nil && text != prefix {
		return Key{webhook}
	}

	webhook, _ := standardwebhooks.NewWebhookRaw([]byte(text)) // it returns no error

	return Key{webhook}
}

// prefix begins a key in the form of the scheme. Alone it would be a key without bytes.
const prefix = "whsec_"

// Sign sets the headers of a request with this body.
func (k Key) Sign(header http.Header, id string, at time.Time, body []byte) error {
	signature, err := k.webhook.Sign(id, at, body)
	if err != nil {
		return fmt.Errorf("sign the request: %w", err)
	}

	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)

	return nil
}

// Verify returns ErrWrong unless one of the signatures in the headers is that of this body, made at about now.
func (k Key) Verify(header http.Header, body []byte, now time.Time) error {
	seconds, err := strconv.ParseInt(header.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > Tolerance {
		return ErrWrong
	}

	if err := k.webhook.VerifyIgnoringTimestamp(body, header); err != nil {
		return ErrWrong
	}

	return nil
}

// ID returns the id in the headers of a signed request, or "" if it is not signed.
func ID(header http.Header) string {
	if header.Get(standardwebhooks.HeaderWebhookSignature) == "" {
		return ""
	}

	return header.Get(standardwebhooks.HeaderWebhookID)
}
