// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestChoose(t *testing.T) {
	parts := []part{{name: "a"}, {name: "b"}, {name: "c"}}
	for _, c := range []struct{ names, want string }{
		{"", "a,b,c"},
		{"b", "b"},
		{"c, a", "a,c"},
		{"c,c", "c"},
		{"d", `unknown part "d": the parts are a, b, c`},
		{"a,,b", `unknown part "": the parts are a, b, c`},
	} {
		chosen, err := choose(parts, c.names)

		got := strings.Join(namesOf(chosen), ",")
		if err != nil {
			got = err.Error()
		}

		if got != c.want {
			t.Errorf("parts %q: %s, want %s", c.names, got, c.want)
		}
	}
}

func TestSizes(t *testing.T) {
	var s sizes
	if err := s.Set("0, 10,1000"); err != nil || s.String() != "0,10,1000" {
		t.Errorf("got %v, %v", s, err)
	}

	for _, wrong := range []string{"", "1,", "-1", "1e3"} {
		if err := s.Set(wrong); err == nil {
			t.Errorf("%q is accepted as %v", wrong, s)
		}
	}
}

func TestFailedPartDoesNotStopOthers(t *testing.T) {
	broken := errors.New("no disk")

	var out bytes.Buffer

	err := measureAll(t.Context(), []part{
		{"a", func(context.Context) (measurement, error) { return measurement{}, broken }},
		{
			"b",
			func(context.Context) (measurement, error) { return measurement{figures: []figure{{name: "of b"}}}, nil },
		},
	}, someMachine, false, "", &out)
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "a: ") {
		t.Errorf("got %v, want the failure of a", err)
	}

	if !strings.Contains(out.String(), "of b") || !strings.Contains(out.String(), someMachine.String()) {
		t.Errorf("printed:\n%s\nwant the figure of b and the machine", out.String())
	}
}
