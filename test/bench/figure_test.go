// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	var b bytes.Buffer

	rows := []row{figure{
		name:     "claims",
		measured: "1 µs",
		verdict:  baseLine,
	}.row(), figure{
		name:     "  later",
		measured: "200 µs",
		target:   "<= 2.0",
		ratio:    times(1.5),
		verdict:  verdict(true),
	}.row()}
	if err := writeTable(&b, rows); err != nil {
		t.Fatal(err)
	}

	want := `
figure   measured  target  ratio  verdict
claims   1 µs                     base line
  later  200 µs    <= 2.0  1.50   met
`
	if diff := cmp.Diff(want, "\n"+b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{
		0:       "0",
		999:     "999",
		1000:    "1,000",
		123456:  "123,456",
		1234567: "1,234,567",
	} {
		if got := thousands(n); got != want {
			t.Errorf("%d is formatted %q, want %q", n, got, want)
		}
	}
}
