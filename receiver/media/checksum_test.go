// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import "testing"

func TestSameSum(t *testing.T) {
	sum := [32]byte{0xfb, 0xef, 0xff, 1}
	for announced, want := range map[string]bool{
		"": true,
		"FBefff0100000000000000000000000000000000000000000000000000000000": true,
		"++//AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=":                     true,
		"++//AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA":                      true,
		"--__AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=":                     true,
		"--__AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA":                      true,
		"--__AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB":                      false,
		"<SHA256>": false,
		"fbefff01": false,
		"=":        false,
	} {
		if got := sameSum(announced, sum); got != want {
			t.Errorf("sameSum(%q) = %t, want %t", announced, got, want)
		}
	}
}
