// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package checkout

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDependOn checks what the go command reads after a test: the record of the files that the process examined.
func TestDependOn(t *testing.T) {
	if os.Getenv("CHECKOUT_CHILD") != "" {
		DependOn(t)
		return
	}

	record := filepath.Join(t.TempDir(), "record")

	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDependOn$", "-test.testlogfile="+record)

	child.Env = append(os.Environ(), "CHECKOUT_CHILD=1")

	if output, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}

	text, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}

	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}

	for _, file := range []string{"Makefile", "cmd/receiver/main.go", "examples/bridge-go/main.go"} {
		if !strings.Contains(string(text), "stat "+filepath.Join(root, file)+"\n") {
			t.Errorf("the test does not depend on %s", file)
		}
	}
}
