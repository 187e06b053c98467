// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

// TestNothingStays checks that Chromium leaves nothing in the folder for temporary files.
func TestNothingStays(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!doctype html><html lang=en><title>A page</title>")
	}))
	defer server.Close()

	t.Run("page", func(t *testing.T) { Open(t, server.URL, Options{}) })

	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}

	for _, entry := range left {
		t.Errorf("Chromium left %s", entry.Name())
	}
}
