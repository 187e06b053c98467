// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/test/openapi"
)

func TestTheDocumentHasEachMethodAtItsDefaultPath(t *testing.T) {
	document, err := openapi.Load(openapi.BirdBridge)
	if err != nil {
		t.Fatal(err)
	}

	want := map[string]string{}
	for method, term := range terms {
		want[string(method)] = term.path
	}

	if diff := cmp.Diff(want, document.Paths()); diff != "" {
		t.Errorf("paths by method (-receiver +document):\n%s", diff)
	}
}
