// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"testing"
)

func TestSmallConsole(t *testing.T) {
	figures, err := withBinary(func(ctx context.Context, binary string) ([]figure, error) {
		return console(ctx, binary, 4000, 1)
	})(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if len(figures)%2 != 0 || len(figures) < 20 {
		t.Errorf("there are %d figures, want as many of each engine", len(figures))
	}

	if _, err := console(t.Context(), "", 0, 1); err == nil {
		t.Error("an empty store is accepted")
	}
}
