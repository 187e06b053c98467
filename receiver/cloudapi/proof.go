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

// unproven stands for no app secret: the call has no proof.
const unproven = ""

// proven remembers the app secret whose proof Meta accepted last: several are mounted while one is replaced, or if several
// apps deliver. It is unproven if Meta accepts calls without a proof only: the access token is of another app, which does
// not require one.
type proven struct {
	mu      sync.Mutex
	secret  string
	isKnown bool
}

// order returns the secrets, and unproven, in the order in which to try them.
func (p *proven) order(secrets []string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()

	choices := append(slices.Clone(secrets), unproven)

	i := slices.Index(choices, p.secret)
	if !p.isKnown || i < 0 {
		return choices
	}

	return slices.Concat(choices[i:i+1], choices[:i], choices[i+1:])
}

func (p *proven) remember(secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.secret = secret
	p.isKnown = true
}
