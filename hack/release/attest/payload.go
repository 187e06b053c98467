// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package attest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// Names of cosign's signatures that are kept as an image beside the signed one. cosign 2 and what builds on it read these.
const (
	PayloadType         = "application/vnd.dev.cosign.simplesigning.v1+json"
	SignatureAnnotation = "dev.cosignproject.cosign/signature"
)

// payload is what such a signature signs: https://github.com/containers/image/blob/main/docs/containers-signature.5.md
type payload struct {
	Critical struct {
		Identity struct {
			Reference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			Digest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional map[string]string `json:"optional"`
}

const containerSignature = "cosign container image signature"

// SignImage returns the payload for an image, and its signature in base64.
func (s *Signer) SignImage(ctx context.Context, repository, digest string) (content []byte, signature string, err error) {
	var p payload

	p.Critical.Identity.Reference = repository
	p.Critical.Image.Digest = digest
	p.Critical.Type = containerSignature

	if content, err = json.Marshal(p); err != nil {
		return nil, "", err
	}

	signed, err := s.Sign(ctx, content)

	return content, base64.StdEncoding.EncodeToString(signed), err
}

// VerifyImage verifies the signature of a payload, and that the payload is of the digest.
func (v *Verifier) VerifyImage(ctx context.Context, content []byte, signature, digest string) error {
	signed, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("decode the signature: %w", err)
	}

	if err := v.Verify(ctx, content, signed); err != nil {
		return err
	}

	var p payload
	if err := json.Unmarshal(content, &p); err != nil {
		return fmt.Errorf("decode what is signed: %w", err)
	}

	if p.Critical.Type != containerSignature || p.Critical.Image.Digest != digest {
		return fmt.Errorf("the signature is of %s, want %s", p.Critical.Image.Digest, digest)
	}

	return nil
}
