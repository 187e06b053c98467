// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/cache"
)

func TestNamespacesFlag(t *testing.T) {
	for value, want := range map[string]map[string]cache.Config{
		"":        nil,
		" , ":     nil,
		"a":       {"a": {}},
		"a, b,a,": {"a": {}, "b": {}},
	} {
		var n namespaces
		flags := flag.NewFlagSet("manager", flag.ContinueOnError)
		flags.Var(&n, "namespaces", "")
		if err := flags.Parse([]string{"--namespaces=" + value}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, n.cached()); diff != "" {
			t.Errorf("--namespaces=%q is cached as (-want +got):\n%s", value, diff)
		}
	}
}
