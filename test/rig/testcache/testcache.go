// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package testcache keeps cached results of tests true. Go repeats a cached test if a file that the test process examined has
// changed. Go does not know the files that a child process reads, such as go build or a script.
package testcache

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// DependOnCheckout lets Go repeat the tests of the package after any change in the checkout. A test calls it if it starts a
// program that reads files of the checkout. A call from TestMain has no effect.
func DependOnCheckout(t testing.TB) {
	t.Helper()

	if err := examine(); err != nil {
		t.Fatalf("list the files of the checkout: %v", err)
	}
}

// examine examines each file of the checkout. Go records the calls of os.Stat in a test process.
var examine = sync.OnceValue(func() error {
	root, err := git("rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}

	root = strings.TrimSpace(root)

	list, err := git("-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	if err != nil {
		return err
	}

	for file := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		_, _ = os.Stat(filepath.Join(root, file)) // the call of a deleted file is recorded too
	}

	return nil
})

func git(args ...string) (string, error) {
	output, err := exec.Command("git", args...).Output() //nolint:gosec,noctx // the arguments are constants; git reads its index, and returns
	if err != nil {
		return "", fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}

	return string(output), nil
}
