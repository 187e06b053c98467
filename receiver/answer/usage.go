// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package answer

// Usage is what an answer cost, as far as the AI says.
type Usage struct {
	InputTokens  int64
	OutputTokens int64
	// Truncated means that the AI stopped at its limit of tokens, in the middle of the answer.
	Truncated bool
}
