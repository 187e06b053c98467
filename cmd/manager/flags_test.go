// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNamesFlag(t *testing.T) {
	for value, want := range map[string]names{
		"":        nil,
		" , ":     nil,
		"a":       {"a"},
		"a, b,a,": {"a", "b", "a"},
	} {
		var n names

		flags := flag.NewFlagSet("manager", flag.ContinueOnError)
		flags.Var(&n, "namespaces", "")

		if err := flags.Parse([]string{"--namespaces=" + value}); err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(want, n); diff != "" {
			t.Errorf("--namespaces=%q (-want +got):\n%s", value, diff)
		}
	}
}
