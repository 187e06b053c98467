// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

// The texts with which the edge refuses requests. They distinguish its refusals from those of a proxy in front of it.
const (
	// HandshakeRefused is the text of the 403 for a verification request with another verify token.
	HandshakeRefused = "hub.mode must be subscribe and hub.verify_token the configured verify token"
	// CertificateRefused is the text of the 403 for a request without Meta's client certificate, with mutual TLS.
	CertificateRefused = "a client certificate of the configured CA and common name is required"
	// SignatureRefused is the text of the 401 for a delivery that was signed with another app secret.
	SignatureRefused = "X-Hub-Signature-256 does not match any configured app secret"
	// TooLarge begins the text of the 413 for a delivery above webhook.maxBodyBytes.
	TooLarge = "a delivery has at most "
)
