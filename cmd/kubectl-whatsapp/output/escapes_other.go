// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package output

// understandsEscapes reports whether a terminal understands escape sequences.
func understandsEscapes(any) bool { return true }
