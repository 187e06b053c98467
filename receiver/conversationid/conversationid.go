// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conversationid turns the name of a conversation, which contains a phone number or user id, into an id that
// reveals neither, and back.
//
// An id is the name, encrypted and authenticated with a key derived from an app secret. It is deterministic, so that one
// conversation has one id in all receivers of a number, at every start, and in every page of a list.
//
// What it protects from: a reader of ids, in a terminal, a ticket, a browser history or an audit log, who has no app secret.
// That reader learns neither the name nor a part of it, and cannot forge an id. The reader cannot test a guess either, as
// with a plain hash, which is found by trying all phone numbers.
//
// What it does not protect from:
//   - A holder of the app secret reads every id. That holder can forge deliveries too.
//   - Equal ids mean equal names: ids link what belongs to one conversation, which is their purpose. A person with several
//     names has an id for each.
//   - The length of an id reveals the length of the name in steps of 48 bytes. All names with a phone number have the same length.
//   - An id is not a permission. Who may use one is decided by who may reach the API.
//
// The construction is a synthetic initialization vector as in RFC 5297, with HMAC-SHA-256 in place of CMAC, as names are
// short and speed does not matter: the vector is the MAC of the padded name, and the name is encrypted by AES-256-CTR with
// that vector. Both keys come from the app secret by HKDF, each with its own purpose, so an id says nothing about
// signatures made with the same secret.
package conversationid

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

const (
	// MaxName bounds the bytes of a name. Names that Meta's ids allow are far shorter.
	MaxName = 1024

	vectorSize = 16
	// block is the unit of padding. A name with a phone number id and a phone number takes one.
	block = 48
	// padding marks the end of the name; zeros follow.
	padding = 0x80
	// prefix begins every id, as base64 may begin with a dash, which commands take for a flag.
	prefix = "c"
)

var encoding = base64.RawURLEncoding.Strict()

// MaxID bounds the bytes of an id.
var MaxID = len(prefix) + encoding.EncodedLen(vectorSize+(MaxName/block+1)*block)

// Codec encodes names and decodes ids. It is safe for concurrent use.
type Codec struct {
	keys []keys
}

type keys struct {
	mac    []byte
	cipher cipher.Block
}

// New returns a codec for app secrets. It encodes with the first, and decodes ids of any of them, so that ids
// outlive a rotation as long as the earlier secret is configured.
func New(appSecrets []string) *Codec {
	c := &Codec{}

	for _, secret := range appSecrets {
		if secret == "" {
			continue
		}

		aes256, err := aes.NewCipher(derive(secret, "encryption"))
		if err != nil {
			panic(err) // only for a length that AES does not have
		}

		c.keys = append(c.keys, keys{mac: derive(secret, "authentication"), cipher: aes256})
	}

	return c
}

func derive(secret, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "whatsapp-webhook conversation id v1 "+purpose, sha256.Size)
	if err != nil {
		panic(err) // only for a length that HKDF does not have
	}

	return key
}

// Empty reports whether there is no app secret, so that no conversation has an id.
func (c *Codec) Empty() bool { return len(c.keys) == 0 }

// Encode returns the id of a conversation: URL-safe, without a colon, at most MaxID bytes. It returns "" if there is no app
// secret or the name is empty or longer than MaxName.
func (c *Codec) Encode(name string) string {
	if len(c.keys) == 0 || name == "" || len(name) > MaxName {
		return ""
	}

	k := c.keys[0]
	padded := pad(name)
	vector := k.vector(padded)
	k.crypt(padded, vector)

	return prefix + encoding.EncodeToString(append(vector, padded...))
}

// Decode returns the name that an id stands for, and whether the id is one of this codec.
func (c *Codec) Decode(id string) (name string, ok bool) {
	text, ok := strings.CutPrefix(id, prefix)
	if !ok || len(id) > MaxID {
		return "", false
	}

	sealed, err := encoding.DecodeString(text)
	if err != nil || len(sealed) < vectorSize+block || (len(sealed)-vectorSize)%block != 0 {
		return "", false
	}

	vector := sealed[:vectorSize]
	encrypted := sealed[vectorSize:]

	for _, k := range c.keys {
		padded := append([]byte(nil), encrypted...)
		k.crypt(padded, vector)

		if hmac.Equal(vector, k.vector(padded)) {
			return unpad(padded)
		}
	}

	return "", false
}

// Fingerprint returns a short text that is the same for the same name, for logs. Without the app secret it cannot be
// linked to a name. It is "" if Encode returns "".
func (c *Codec) Fingerprint(name string) string {
	if len(c.keys) == 0 || name == "" || len(name) > MaxName {
		return ""
	}

	return hex.EncodeToString(c.keys[0].vector(pad(name))[:8])
}

func (k keys) vector(padded []byte) []byte {
	mac := hmac.New(sha256.New, k.mac)
	mac.Write(padded)

	return mac.Sum(nil)[:vectorSize]
}

// crypt encrypts or decrypts in place.
func (k keys) crypt(text, vector []byte) { cipher.NewCTR(k.cipher, vector).XORKeyStream(text, text) }

func pad(name string) []byte {
	padded := make([]byte, (len(name)/block+1)*block)
	copy(padded, name)
	padded[len(name)] = padding

	return padded
}

func unpad(padded []byte) (name string, ok bool) {
	name = strings.TrimRight(string(padded), "\x00")
	name, ok = strings.CutSuffix(name, string([]byte{padding}))

	return name, ok && name != ""
}
