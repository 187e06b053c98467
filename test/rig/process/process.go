// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package process runs a program beside a test.
package process

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// timeout bounds the end of a program after SIGTERM.
const timeout = time.Minute

// Start starts the command and ends it with SIGTERM when the test ends. If the test failed, it prints the output of the
// program.
func Start(t *testing.T, command *exec.Cmd) {
	t.Helper()

	var output bytes.Buffer // read after the end of the program only

	command.Stdout = &output
	command.Stderr = &output
	name := filepath.Base(command.Path)

	if err := command.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}

	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()

	t.Cleanup(func() {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("%s ended before the test: %v", name, err)
		}

		var result error

		select {
		case result = <-ended:
		case <-time.After(timeout):
			t.Errorf("%s did not end within %s", name, timeout)

			result = errors.Join(command.Process.Kill(), <-ended)
		}

		if t.Failed() {
			t.Logf("%s ended with %v; its output:\n%s", name, result, &output)
		}
	})
}
