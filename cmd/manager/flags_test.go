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

func TestLimitFlag(t *testing.T) {
	for value, want := range map[string]limit{
		"0":  0,
		"12": 12,
		"-1": 3,
		"":   3,
		"x":  3,
	} {
		number := limit(3)
		err := number.Set(value)

		if number != want || (err == nil) != (want != 3) {
			t.Errorf("%q gives %d and error %v; want %d", value, number, err, want)
		}
	}
}

func TestSelectorFlag(t *testing.T) {
	for value, want := range map[string]string{
		"":                     "",
		"team=a,tier!=test":    "team=a,tier!=test",
		"team in (a,b), !test": "team in (a,b),!test",
		"team=a b":             "error",
	} {
		var s selector

		got := "error"
		if err := s.Set(value); err == nil {
			got = s.String()
		}

		if got != want {
			t.Errorf("%q gives %q; want %q", value, got, want)
		}
	}
}

func TestDisabledKindsFlag(t *testing.T) {
	for value, want := range map[string]string{
		"":                          "",
		"HTTPRoute, ServiceMonitor": "HTTPRoute,ServiceMonitor",
		"Deployment":                "error",
		"httproutes":                "error",
	} {
		var kinds disabledKinds

		got := "error"
		if err := kinds.Set(value); err == nil {
			got = kinds.String()
		}

		if got != want {
			t.Errorf("%q gives %q; want %q", value, got, want)
		}
	}
}
