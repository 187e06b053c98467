// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// sameSum reports whether announced, which Meta writes in hexadecimal or base64, is sum. An empty announcement matches
// any.
func sameSum(announced string, sum [sha256.Size]byte) bool {
	if announced == "" || strings.EqualFold(announced, hex.EncodeToString(sum[:])) {
		return true
	}

	encoding := base64.RawStdEncoding
	if strings.ContainsAny(announced, "-_") {
		encoding = base64.RawURLEncoding
	}

	return strings.TrimRight(announced, "=") == encoding.EncodeToString(sum[:])
}
