// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package attest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// BundleType is the media type of a bundle.
const BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// Types of predicates.
const (
	// Signature says that its subject was released. cosign signs images with it since version 3.
	Signature = "https://sigstore.dev/cosign/sign/v1"
	// Provenance says how its subject was built.
	Provenance = "https://slsa.dev/provenance/v1"
	// SBOM lists the modules of its subject, as SPDX.
	SBOM = "https://spdx.dev/Document"
)

const (
	statementType = "https://in-toto.io/Statement/v1"
	payloadType   = "application/vnd.in-toto+json"
)

// Subject is an image, an artifact or a file.
type Subject struct {
	Name   string            `json:"name,omitempty"`
	Digest map[string]string `json:"digest"`
}

// NewSubject returns the subject with a SHA-256 in hex.
func NewSubject(name, sha256 string) Subject {
	return Subject{Name: name, Digest: map[string]string{"sha256": sha256}}
}

// Statement says something of its subjects.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// Covers reports whether a SHA-256 in hex is of one of the subjects.
func (s *Statement) Covers(sha256 string) bool {
	for _, subject := range s.Subject {
		if subject.Digest["sha256"] == sha256 {
			return true
		}
	}

	return false
}

// bundle is a signed statement with all that its verification needs.
type bundle struct {
	MediaType            string   `json:"mediaType"`
	VerificationMaterial material `json:"verificationMaterial"`
	Envelope             envelope `json:"dsseEnvelope"`
}

type material struct {
	PublicKey publicKeyHint `json:"publicKey"`
}

type publicKeyHint struct {
	Hint string `json:"hint"`
}

type envelope struct {
	Payload     string              `json:"payload"`
	PayloadType string              `json:"payloadType"`
	Signatures  []envelopeSignature `json:"signatures"`
}

type envelopeSignature struct {
	Signature string `json:"sig"`
}

// Attest returns the bundle of a signed statement.
func (s *Signer) Attest(ctx context.Context, predicateType string, predicate any, subjects ...Subject) ([]byte, error) {
	content, err := json.Marshal(predicate)
	if err != nil {
		return nil, err
	}

	payload, err := json.Marshal(Statement{
		Type:          statementType,
		Subject:       subjects,
		PredicateType: predicateType,
		Predicate:     content,
	})
	if err != nil {
		return nil, err
	}

	signature, err := s.Sign(ctx, dsse.PAE(payloadType, payload))
	if err != nil {
		return nil, err
	}

	return json.Marshal(bundle{
		MediaType:            BundleType,
		VerificationMaterial: material{publicKeyHint{s.hint}},
		Envelope: envelope{
			Payload:     base64.StdEncoding.EncodeToString(payload),
			PayloadType: payloadType,
			Signatures:  []envelopeSignature{{base64.StdEncoding.EncodeToString(signature)}},
		},
	})
}

// Open verifies the signature of a bundle, and returns its statement.
func (v *Verifier) Open(ctx context.Context, content []byte) (*Statement, error) {
	var b bundle
	if err := json.Unmarshal(content, &b); err != nil {
		return nil, fmt.Errorf("decode the bundle: %w", err)
	}

	if b.MediaType != BundleType {
		return nil, fmt.Errorf("the bundle is of the type %q, want %q", b.MediaType, BundleType)
	}

	if b.Envelope.PayloadType != payloadType {
		return nil, fmt.Errorf("the bundle holds %q, want %q", b.Envelope.PayloadType, payloadType)
	}

	verifier, err := dsse.NewEnvelopeVerifier(v)
	if err != nil {
		return nil, err
	}

	signed := &dsse.Envelope{PayloadType: b.Envelope.PayloadType, Payload: b.Envelope.Payload}
	for _, signature := range b.Envelope.Signatures {
		signed.Signatures = append(signed.Signatures, dsse.Signature{Sig: signature.Signature})
	}

	_, payload, err := verifier.VerifyAndDecode(ctx, signed)
	if err != nil {
		return nil, fmt.Errorf("verify the signature: %w", err)
	}

	var statement Statement
	if err := json.Unmarshal(payload, &statement); err != nil {
		return nil, fmt.Errorf("decode the statement: %w", err)
	}

	if statement.Type != statementType || len(statement.Subject) == 0 {
		return nil, errors.New("the bundle holds no statement of in-toto with a subject")
	}

	return &statement, nil
}

// blobBundle is a signed file's signature with all that its verification needs.
type blobBundle struct {
	MediaType            string        `json:"mediaType"`
	VerificationMaterial material      `json:"verificationMaterial"`
	Signature            blobSignature `json:"messageSignature"`
}

type blobSignature struct {
	Digest    blobDigest `json:"messageDigest"`
	Signature string     `json:"signature"`
}

type blobDigest struct {
	Algorithm string `json:"algorithm"`
	Digest    string `json:"digest"`
}

// SignBlob returns the bundle with the signature of a file.
func (s *Signer) SignBlob(ctx context.Context, content []byte) ([]byte, error) {
	signature, err := s.Sign(ctx, content)
	if err != nil {
		return nil, err
	}

	digest := sha256.Sum256(content)

	return json.Marshal(blobBundle{
		MediaType:            BundleType,
		VerificationMaterial: material{publicKeyHint{s.hint}},
		Signature: blobSignature{
			Digest: blobDigest{
				Algorithm: "SHA2_256",
				Digest:    base64.StdEncoding.EncodeToString(digest[:]),
			},
			Signature: base64.StdEncoding.EncodeToString(signature),
		},
	})
}

// VerifyBlob verifies the signature of a file in a bundle.
func (v *Verifier) VerifyBlob(ctx context.Context, content, signed []byte) error {
	var b blobBundle
	if err := json.Unmarshal(signed, &b); err != nil {
		return fmt.Errorf("decode the bundle: %w", err)
	}

	signature, err := base64.StdEncoding.DecodeString(b.Signature.Signature)
	if err != nil {
		return fmt.Errorf("decode the signature: %w", err)
	}

	return v.Verify(ctx, content, signature)
}
