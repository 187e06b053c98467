// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package medialink links to the files that people send, for AIs that take no file in a request. A link works for a short
// time, without credentials, at every receiver that has the app secret: it is signed, and nothing is stored for it.
package medialink

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// Validity is how long a link works.
	Validity = 15 * time.Minute

	// purpose separates the key of links from all other uses of the app secret (RFC 5869).
	purpose = "whatsapp-webhook media link v1"

	idSize    = len(store.ID{})
	timeSize  = 8
	signed    = idSize + timeSize
	tokenSize = signed + sha256.Size
)

var encoding = base64.RawURLEncoding

// URL returns a link to the file of the message of an event, or "" if the receiver knows neither its public address nor an
// app secret.
func URL(settings *config.Snapshot, event store.ID, now time.Time) string {
	if settings.Webhook.PublicURL == "" || len(settings.Secrets.AppSecrets) == 0 {
		return ""
	}

	token := newToken(settings.Secrets.AppSecrets[0], event, now.Add(Validity))

	return strings.TrimSuffix(settings.Webhook.PublicURL, "/") + config.MediaPath + token
}

func newToken(appSecret string, event store.ID, expires time.Time) string {
	token := append(make([]byte, 0, tokenSize), event[:]...)
	token = binary.BigEndian.AppendUint64(token, seconds(expires))

	return encoding.EncodeToString(append(token, sign(appSecret, token)...))
}

// eventOf returns the event of a token that one of the app secrets signed and that has not expired. During a rotation there
// are several secrets, and each link was signed with one of them.
func eventOf(token string, appSecrets []string, now time.Time) (event store.ID, ok bool) {
	raw, err := encoding.Strict().DecodeString(token)
	if err != nil || len(raw) != tokenSize || encoding.EncodeToString(raw) != token { // with a line break
		return store.ID{}, false
	}

	isSigned := false
	for _, secret := range appSecrets {
		isSigned = hmac.Equal(raw[signed:], sign(secret, raw[:signed])) || isSigned
	}

	if !isSigned || seconds(now) >= binary.BigEndian.Uint64(raw[idSize:signed]) {
		return store.ID{}, false
	}

	return store.ID(raw[:idSize]), true
}

func seconds(t time.Time) uint64 { return uint64(t.Unix()) } //nolint:gosec // times of the receiver are after 1970

func sign(appSecret string, content []byte) []byte {
	key, err := hkdf.Key(sha256.New, []byte(appSecret), nil, purpose, sha256.Size)
	if err != nil {
		panic(err) // only for a key longer than 255 hashes
	}

	mac := hmac.New(sha256.New, key)
	mac.Write(content)

	return mac.Sum(nil)
}
