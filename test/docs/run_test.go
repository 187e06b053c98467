// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build docs

package docs

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/checkout"
)

// script runs the blocks of a page in one shell. After a block that leaves a program in the background, it waits until the
// program listens on the port that the pages use for bridges.
const script = `set -euo pipefail
listening() {
  while [[ -n $(jobs -r) ]]; do
    if (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; then return; fi
    sleep 0.2
  done
}
`

// TestRun runs the blocks with the note "run", page by page, in a copy of the repository. A command that fails ends the page.
func TestRun(t *testing.T) {
	copied := checkout.Copy(t)

	build := exec.CommandContext(t.Context(), "go", "build", "-o", "bin/", "./cmd/kubectl-whatsapp")
	build.Dir = copied

	if printed, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the tool: %v\n%s", err, printed)
	}

	if err := os.Symlink("kubectl-whatsapp", filepath.Join(copied, "bin", "whatsapp-webhook")); err != nil {
		t.Fatal(err)
	}

	ran := 0

	for _, page := range pages(t) {
		var text strings.Builder

		for _, block := range page.Blocks {
			if block.Run() {
				ran++

				text.WriteString(block.Text + "\nlistening\n")
			}
		}

		if text.Len() > 0 {
			t.Run(page.Path, func(t *testing.T) { runScript(t, copied, script+text.String()) })
		}
	}

	if ran < 8 {
		t.Errorf("ran %d blocks, want at least 8", ran)
	}
}

func runScript(t *testing.T, folder, text string) {
	t.Helper()

	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".local", "bin"), 0o700); err != nil {
		t.Fatal(err)
	}

	var printed bytes.Buffer

	bash := exec.CommandContext(t.Context(), "bash", "--norc", "-c", text)
	bash.Dir = folder
	bash.Env = append(os.Environ(), "HOME="+home, "PATH="+filepath.Join(folder, "bin")+":"+os.Getenv("PATH"))
	bash.Env = append(bash.Env, goCaches(t)...)
	bash.Stdout = &printed
	bash.Stderr = &printed
	bash.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// Programs in the background hold the pipe of the output; they end with the group.
	bash.Cancel = func() error { return syscall.Kill(-bash.Process.Pid, syscall.SIGKILL) }

	if err := bash.Start(); err != nil {
		t.Fatal(err)
	}

	state, err := bash.Process.Wait()
	_ = syscall.Kill(-bash.Process.Pid, syscall.SIGKILL)
	_ = bash.Wait()

	if err != nil || !state.Success() {
		t.Errorf("%v, %v\n%s", state, err, printed.String())
	}
}

// goCaches returns the variables by which Go finds its caches in another home.
func goCaches(t *testing.T) []string {
	t.Helper()

	printed, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}

	values := strings.Fields(string(printed))

	return []string{"GOCACHE=" + values[0], "GOMODCACHE=" + values[1]}
}
