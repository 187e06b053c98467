// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFlags runs the program. What checks or shows the version opens no store.
func TestFlags(t *testing.T) {
	folder := t.TempDir()
	program := filepath.Join(folder, "receiver")

	if out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.version=v1.2.3", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}

	file := filepath.Join(folder, "receiver.yaml")
	text := "bird: {baseURL: https://bridge.example.com, authScheme: Bearer}\nsecretsDir: " + folder + "\nstore: {embedded: {path: " + folder + "/inbox.db}}\n"

	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	for args, want := range map[string]struct {
		code int
		text string
	}{
		"--version":                        {text: "receiver v1.2.3 ("},
		"--check " + file:                  {code: 1, text: "the secret app-secret is missing"},
		"--check " + folder + "/none.yaml": {code: 1, text: "no such file"},
		"":                                 {code: 2, text: "usage: receiver --config FILE"},
		"--check a --config b":             {code: 2, text: "usage: receiver --config FILE"},
		"--config a b":                     {code: 2, text: "usage: receiver --config FILE"},
		"move-store":                       {code: 2, text: "--from and --to are required"},
		"move-store --help":                {text: "usage: receiver move-store --from PLACE"},
	} {
		out, err := exec.CommandContext(t.Context(), program, strings.Fields(args)...).CombinedOutput()

		code := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code = exit.ExitCode()
		}

		if code != want.code || !strings.Contains(string(out), want.text) {
			t.Errorf("receiver %s: exit code %d, %q; want %d, %q", args, code, out, want.code, want.text)
		}
	}

	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 2 {
		t.Errorf("the folder has %v, want the program and the configuration: %v", entries, err)
	}
}
