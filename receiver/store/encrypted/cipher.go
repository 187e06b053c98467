// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package encrypted

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// KeySize is the size of a key in bytes, for AES-256.
	KeySize = 32
	// MaxKeys is the maximum number of keys.
	MaxKeys = 4

	// version is the first byte of an encrypted value. No JSON begins with it.
	version = 0x01
	idSize  = 4
	// A value is the version, the id of its key, a random nonce, and the ciphertext with its tag.
	nonceStart = 1 + idSize
	nonceSize  = 12
	tagSize    = 16
	overhead   = nonceStart + nonceSize + tagSize
)

// Keys are the keys of a store. The first one encrypts, all decrypt. The zero value encrypts nothing.
type Keys struct {
	first keyID
	all   map[keyID]cipher.AEAD
}

// keyID names a key in the values that it encrypted. It is a part of a hash, and reveals nothing of the key.
type keyID [idSize]byte

func (id keyID) String() string { return hex.EncodeToString(id[:]) }

// ParseKeys parses keys of 32 bytes in base64, the encrypting one first. An error names the place of the key, and nothing
// of its content.
func ParseKeys(texts []string) (Keys, error) {
	if len(texts) > MaxKeys {
		return Keys{}, fmt.Errorf("there are %d keys, the maximum is %d", len(texts), MaxKeys)
	}

	keys := Keys{all: map[keyID]cipher.AEAD{}}

	for i, text := range texts {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) != KeySize {
			return Keys{}, fmt.Errorf("key %d is not 32 bytes in base64: make one with head -c 32 /dev/urandom | base64", i+1)
		}

		block, err := aes.NewCipher(key)
		if err != nil {
			return Keys{}, fmt.Errorf("key %d: %w", i+1, err)
		}

		sealer, err := cipher.NewGCM(block)
		if err != nil {
			return Keys{}, fmt.Errorf("key %d: %w", i+1, err)
		}

		hash := sha256.Sum256(key)
		id := keyID(hash[:idSize])

		if _, ok := keys.all[id]; ok {
			return Keys{}, fmt.Errorf("key %d is the same as an earlier one", i+1)
		}

		if i == 0 {
			keys.first = id
		}

		keys.all[id] = sealer
	}

	return keys, nil
}

// missingKeyError is the store.ErrKey of a value whose key is missing.
type missingKeyError struct{ id keyID }

func (e *missingKeyError) Error() string {
	return fmt.Sprintf("%v: key %s is missing: add it to store.encryption.keySecretRefs", store.ErrKey, e.id)
}

func (e *missingKeyError) Unwrap() error { return store.ErrKey }

// encrypt encrypts a value for a place, which is the only one where it can be decrypted. Empty values stay empty.
func (k Keys) encrypt(value, place []byte) []byte {
	if len(value) == 0 || len(k.all) == 0 {
		return value
	}

	sealed := make([]byte, nonceStart+nonceSize, len(value)+overhead)
	sealed[0] = version
	copy(sealed[1:], k.first[:])
	_, _ = rand.Read(sealed[nonceStart:]) // never fails

	return k.all[k.first].Seal(sealed, sealed[nonceStart:], value, place)
}

// decrypt is the inverse of encrypt. A value in clear text stays as it is.
func (k Keys) decrypt(value, place []byte) ([]byte, error) {
	if len(value) < overhead || value[0] != version {
		return value, nil
	}

	id := keyID(value[1:nonceStart])

	opener, ok := k.all[id]
	if !ok {
		return nil, &missingKeyError{id}
	}

	nonce := value[nonceStart : nonceStart+nonceSize]

	decrypted, err := opener.Open(nil, nonce, value[nonceStart+nonceSize:], place)
	if err != nil {
		return nil, store.ErrAltered
	}

	return decrypted, nil
}

// encryptText is encrypt for a column of text. The result begins with the version and continues in base64.
func (k Keys) encryptText(value string, place []byte) string {
	if value == "" || len(k.all) == 0 {
		return value
	}

	return string(rune(version)) + base64.StdEncoding.EncodeToString(k.encrypt([]byte(value), place))
}

// decryptText is the inverse of encryptText.
func (k Keys) decryptText(value string, place []byte) (string, error) {
	if value == "" || value[0] != version {
		return value, nil
	}

	sealed, err := base64.StdEncoding.DecodeString(value[1:])
	if err != nil {
		return value, nil //nolint:nilerr // a text that begins like an encrypted one
	}

	decrypted, err := k.decrypt(sealed, place)

	return string(decrypted), err
}
