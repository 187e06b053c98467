// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// signatures checks the signatures of deliveries. It keeps the hashes that are keyed with the app secrets, since keying one
// takes as long as hashing a small body.
type signatures struct{ current atomic.Pointer[keyed] }

// keyed holds hashes of each of the secrets.
type keyed struct {
	secrets []string
	hashes  []*sync.Pool // of hash.Hash, by secret
}

func newKeyed(secrets []string) *keyed {
	k := &keyed{secrets: slices.Clone(secrets)}

	for _, secret := range k.secrets {
		k.hashes = append(k.hashes, &sync.Pool{New: func() any { return hmac.New(sha256.New, []byte(secret)) }})
	}

	return k
}

// match reports whether header is the signature of the raw body by one of the secrets. It tries every secret and compares in
// constant time, so that timing does not reveal which secret matched or how closely.
//
// Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validating-payloads
func (s *signatures) match(body []byte, header string, secrets []string) bool {
	digits, ok := strings.CutPrefix(header, "sha256=")
	if !ok || len(digits) != hex.EncodedLen(sha256.Size) {
		return false
	}

	given, err := hex.DecodeString(digits)
	if err != nil {
		return false
	}

	match := false

	for _, hashes := range s.keyed(secrets).hashes {
		mac := hashes.Get().(hash.Hash)
		mac.Reset()
		mac.Write(body)

		var sum [sha256.Size]byte

		match = hmac.Equal(given, mac.Sum(sum[:0])) || match

		hashes.Put(mac)
	}

	return match
}

// keyed returns the hashes of the secrets, which change while the receiver runs.
func (s *signatures) keyed(secrets []string) *keyed {
	if current := s.current.Load(); current != nil && slices.Equal(current.secrets, secrets) {
		return current
	}

	next := newKeyed(secrets)
	s.current.Store(next)

	return next
}
