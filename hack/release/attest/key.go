// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package attest signs the artifacts of a release, records their build, and verifies both. Signatures are those of cosign
// (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md), and statements those of in-toto
// (https://github.com/in-toto/attestation/tree/main/spec/v1) in bundles of sigstore
// (https://docs.sigstore.dev/about/bundle/).
package attest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// Types of the PEM blocks of keys. The first is what `cosign generate-key-pair` writes, the second what it wrote before.
const (
	sigstoreKey = "ENCRYPTED SIGSTORE PRIVATE KEY"
	cosignKey   = "ENCRYPTED COSIGN PRIVATE KEY"
	plainKey    = "PRIVATE KEY"
	sec1Key     = "EC PRIVATE KEY"
	publicKey   = "PUBLIC KEY"
)

// Signer signs with a private key of the curve P-256. Its signatures are deterministic (RFC 6979), so that the same release
// has the same digests.
type Signer struct {
	key  *ecdsa.PrivateKey
	hint string
}

// ReadSigner reads a private key: a file, or env://NAME for a variable that holds its text. The key is one of cosign, whose
// password is in COSIGN_PASSWORD, or an unencrypted one of openssl.
func ReadSigner(source string) (*Signer, error) {
	text, err := readKey(source)
	if err != nil {
		return nil, fmt.Errorf("read the private key: %w", err)
	}

	key, err := parsePrivate(text, []byte(os.Getenv("COSIGN_PASSWORD")))
	if err != nil {
		return nil, fmt.Errorf("private key %s: %w", source, err)
	}

	return NewSigner(key)
}

// NewSigner returns the signer with a key.
func NewSigner(key *ecdsa.PrivateKey) (*Signer, error) {
	if key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("the key is of the curve %s, want P-256", key.Curve.Params().Name)
	}

	hint, err := keyHint(&key.PublicKey)

	return &Signer{key: key, hint: hint}, err
}

func readKey(source string) ([]byte, error) {
	name, found := strings.CutPrefix(source, "env://")
	if !found {
		return os.ReadFile(source)
	}

	text := os.Getenv(name)
	if text == "" {
		return nil, fmt.Errorf("the variable %s is empty", name)
	}

	return []byte(text), nil
}

func parsePrivate(text, password []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not a PEM block; make one with 'cosign generate-key-pair'")
	}

	content := block.Bytes

	switch block.Type {
	case sec1Key:
		return x509.ParseECPrivateKey(content)
	case sigstoreKey, cosignKey:
		decrypted, err := encrypted.Decrypt(content, password)
		if err != nil {
			return nil, fmt.Errorf("decrypt it with the password in COSIGN_PASSWORD: %w", err)
		}

		content = decrypted
	case plainKey:
	default:
		return nil, fmt.Errorf("it is a PEM block of the type %q, want %q or %q", block.Type, sigstoreKey, plainKey)
	}

	parsed, err := x509.ParsePKCS8PrivateKey(content)
	if err != nil {
		return nil, err
	}

	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is a %T, want a key of the curve P-256", parsed)
	}

	return key, nil
}

// Public returns what verifies the signatures.
func (s *Signer) Public() *Verifier { return &Verifier{key: &s.key.PublicKey, hint: s.hint} }

// Sign implements dsse.Signer.
func (s *Signer) Sign(_ context.Context, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)

	return s.key.Sign(nil, sum[:], crypto.SHA256)
}

// KeyID implements dsse.Signer. Envelopes of cosign name no key.
func (s *Signer) KeyID() (string, error) { return "", nil }

// Verifier verifies signatures with a public key.
type Verifier struct {
	key  *ecdsa.PublicKey
	hint string
}

// ReadVerifier reads a public key: a PEM file, such as cosign.pub, or env://NAME.
func ReadVerifier(source string) (*Verifier, error) {
	text, err := readKey(source)
	if err != nil {
		return nil, fmt.Errorf("read the public key: %w", err)
	}

	block, _ := pem.Decode(text)
	if block == nil || block.Type != publicKey {
		return nil, fmt.Errorf("public key %s: it is not a PEM block of the type %q", source, publicKey)
	}

	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("public key %s: %w", source, err)
	}

	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("public key %s: it is a %T, want a key of the curve P-256", source, parsed)
	}

	hint, err := keyHint(key)

	return &Verifier{key: key, hint: hint}, err
}

// Verify implements dsse.Verifier.
func (v *Verifier) Verify(_ context.Context, data, signature []byte) error {
	sum := sha256.Sum256(data)
	if !ecdsa.VerifyASN1(v.key, sum[:], signature) {
		return errors.New("the signature is not of this key")
	}

	return nil
}

// KeyID implements dsse.Verifier.
func (v *Verifier) KeyID() (string, error) { return "", nil }

// Public implements dsse.Verifier.
func (v *Verifier) Public() crypto.PublicKey { return v.key }

// PEM returns the key as a file.
func (v *Verifier) PEM() ([]byte, error) {
	content, err := x509.MarshalPKIXPublicKey(v.key)
	if err != nil {
		return nil, err
	}

	return pem.EncodeToMemory(&pem.Block{Type: publicKey, Bytes: content}), nil
}

// GenerateKey returns a new key in the form of `cosign generate-key-pair`, encrypted with a password.
func GenerateKey(password []byte) ([]byte, *Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}

	content, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}

	sealed, err := encrypted.Encrypt(content, password)
	if err != nil {
		return nil, nil, err
	}

	signer, err := NewSigner(key)

	return pem.EncodeToMemory(&pem.Block{Type: sigstoreKey, Bytes: sealed}), signer, err
}

// keyHint returns the name of a key in a bundle, as cosign computes it.
func keyHint(key *ecdsa.PublicKey) (string, error) {
	content, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", err
	}

	sum := sha256.Sum256(content)

	return base64.StdEncoding.EncodeToString(sum[:]), nil
}
