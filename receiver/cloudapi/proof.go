// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"iter"
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

// proven holds the app secret whose proof Meta accepted last: during a rotation, or with several apps, several secrets are
// mounted. It is unproven if Meta accepts only calls without a proof: the access token belongs to another app, which requires
// none.
type proven struct {
	mu      sync.Mutex
	secret  string
	isKnown bool
	last    proof
}

// proof is a proof that was made, since nearly all calls have the same secret and token.
type proof struct{ secret, token, value string }

// order returns the secrets, and unproven, in the order in which to try them.
func (p *proven) order(secrets []string) iter.Seq[string] {
	first, isKnown := p.known()
	isKnown = isKnown && (first == unproven || slices.Contains(secrets, first))

	return func(yield func(string) bool) {
		if isKnown && !yield(first) {
			return
		}

		for _, secret := range secrets {
			if (!isKnown || secret != first) && !yield(secret) {
				return
			}
		}

		if !isKnown || first != unproven {
			yield(unproven)
		}
	}
}

func (p *proven) known() (secret string, isKnown bool) {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.secret, p.isKnown
}

// proof returns the proof of an app's secret for an access token.
func (p *proven) proof(secret, token string) string {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.last.secret != secret || p.last.token != token {
		p.last = proof{
			secret: secret,
			token:  token,
			value:  appSecretProof(secret, token),
		}
	}

	return p.last.value
}

func (p *proven) remember(secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.secret = secret
	p.isKnown = true
}
