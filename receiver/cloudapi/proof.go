// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
)

// proofParameter is the query parameter with which a call proves that its access token was not stolen: the caller also
// knows the secret of the token's app. Meta demands it if the app's setting Require App Secret is on.
//
// Source: https://developers.facebook.com/docs/graph-api/guides/secure-requests#appsecret_proof
const proofParameter = "appsecret_proof"

// appSecretProof returns the proof of an app's secret for an access token.
func appSecretProof(secret, token string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))

	return hex.EncodeToString(mac.Sum(nil))
}

// proven remembers the app secret whose proof Meta accepted last: several are mounted while one is replaced, or if several
// apps deliver.
type proven struct {
	mu     sync.Mutex
	secret string
}

// order returns the secrets in the order in which to try them.
func (p *proven) order(secrets []string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()

	i := slices.Index(secrets, p.secret)
	if i <= 0 {
		return secrets
	}

	return slices.Concat(secrets[i:i+1], secrets[:i], secrets[i+1:])
}

func (p *proven) remember(secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.secret = secret
}
