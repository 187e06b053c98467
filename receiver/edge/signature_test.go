// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func sign(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))

	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func FuzzSignature(f *testing.F) {
	f.Add([]byte("body"), "sha256=00")
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		if new(signatures).match(body, header, []string{"secret"}) && !strings.EqualFold(header, sign("secret", string(body))) {
			t.Error("a wrong signature was accepted")
		}
	})
}

func TestSignaturesFollowTheSecrets(t *testing.T) {
	var s signatures

	for _, tc := range []struct {
		secrets []string
		signer  string
		want    bool
	}{
		{secrets: []string{"old"}, signer: "old", want: true},
		{secrets: []string{"old"}, signer: "new", want: false},
		{secrets: []string{"new", "old"}, signer: "old", want: true},
		{secrets: []string{"new", "old"}, signer: "new", want: true},
		{secrets: []string{"new"}, signer: "old", want: false},
		{secrets: nil, signer: "new", want: false},
	} {
		if got := s.match([]byte("body"), sign(tc.signer, "body"), tc.secrets); got != tc.want {
			t.Errorf("signed with %s, secrets %q: match = %t, want %t", tc.signer, tc.secrets, got, tc.want)
		}
	}
}
