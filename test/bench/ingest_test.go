// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
)

func TestSmallIngest(t *testing.T) {
	figures, err := ingest(t.Context(), sizes{4, 8}, 1, 40)
	if err != nil {
		t.Fatal(err)
	}

	for _, f := range figures {
		if f.measured == "" {
			t.Errorf("%s has no measured value", f.name)
		}
	}
}
