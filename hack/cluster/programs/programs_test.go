// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestEnsure checks that a module is built once, and again after a change.
func TestEnsure(t *testing.T) {
	root := t.TempDir()
	cache := t.TempDir()
	write := func(file, text string) {
		t.Helper()

		if err := os.WriteFile(filepath.Join(root, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/hello\n\ngo 1.26.0\n")
	write("main.go", "package main\n\nfunc main() { println(\"one\") }\n")

	hello := set{name: "hello", packages: []string{"example.com/hello"}}

	var progress bytes.Buffer

	ensure := func() string {
		t.Helper()
		progress.Reset()

		folder, err := hello.ensure(t.Context(), root, cache, &progress)
		if err != nil {
			t.Fatal(err)
		}

		return folder
	}
	first := ensure()

	if !strings.HasPrefix(progress.String(), "  built hello in ") {
		t.Errorf("progress %q", &progress)
	}

	if printed, err := exec.Command(filepath.Join(first, "hello")).CombinedOutput(); err != nil || string(printed) != "one\n" {
		t.Errorf("%q, %v", printed, err)
	}

	if again := ensure(); again != first || progress.Len() > 0 {
		t.Errorf("built again: %s, %q", again, &progress)
	}

	write("main.go", "package main\n\nfunc main() { println(\"two\") }\n")

	if changed := ensure(); changed == first {
		t.Error("not built again after a change")
	}

	write("main.go", "package main\n\nfunc main() { nothing() }\n")

	if _, err := hello.ensure(t.Context(), root, cache, &progress); err == nil || !strings.Contains(err.Error(), "undefined: nothing") {
		t.Errorf("got %v, want the compiler's message", err)
	}
}
