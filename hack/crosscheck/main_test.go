// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)

	for name, text := range map[string]string{
		"go.mod":       "module example.com/a\n\ngo 1.26\n",
		"main.go":      "package main\n\nfunc main() { lock() }\n",
		"lock_unix.go": "//go:build unix\n\npackage main\n\nimport \"syscall\"\n\nfunc lock() { _ = syscall.Flock }\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	if err := check(t.Context(), "darwin/arm64", []string{"."}); err != nil {
		t.Error(err)
	}

	if err := check(t.Context(), "windows/amd64", []string{"."}); err == nil || !strings.Contains(err.Error(), "undefined: lock") {
		t.Errorf("%v, want an undefined function", err)
	}
}
