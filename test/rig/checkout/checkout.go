// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package checkout finds the files of the checkout for tests: those that are tracked, or new.
package checkout

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// DependOn lets Go repeat the tests of the package after any change in the checkout. A test calls it if it starts a program that
// reads files of the checkout, such as go build or a script: Go repeats a cached test only after a change of a file that the test
// process examined. A call from TestMain has no effect.
func DependOn(t testing.TB) {
	t.Helper()

	if err := examine(); err != nil {
		t.Fatal(err)
	}
}

// examine examines each file. Go records the calls of os.Stat in a test process.
var examine = sync.OnceValue(func() error {
	root, files, err := list()

	for _, file := range files {
		_, _ = os.Stat(filepath.Join(root, file)) // the call of a deleted file is recorded too
	}

	return err
})

// Copy returns a folder of the test with a copy of the checkout.
func Copy(t testing.TB) string {
	t.Helper()

	root, files, err := list()
	if err != nil {
		t.Fatal(err)
	}

	folder := t.TempDir()

	for _, file := range files {
		if err := copyFile(filepath.Join(root, file), filepath.Join(folder, file)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}

	return folder
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()

	info, err := source.Stat()
	if err != nil || info.IsDir() {
		return err
	}

	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}

	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, info.Mode())
	if err != nil {
		return err
	}

	if _, err := io.Copy(target, source); err != nil {
		return err
	}

	return target.Close()
}

// list returns the root of the checkout and the paths of the files below it. A file that was deleted and not committed yet is
// listed. The working directory must be inside the checkout.
func list() (root string, files []string, err error) {
	root, err = git("rev-parse", "--show-toplevel")
	if err != nil {
		return "", nil, err
	}

	root = strings.TrimSpace(root)

	printed, err := git("-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	if err != nil {
		return "", nil, err
	}

	return root, strings.Split(strings.TrimSuffix(printed, "\x00"), "\x00"), nil
}

func git(args ...string) (string, error) {
	output, err := exec.Command("git", args...).Output() //nolint:gosec,noctx // the arguments are constants; git reads its index, and returns
	if err != nil {
		return "", fmt.Errorf("list the files of the checkout: git %s: %w", strings.Join(args, " "), err)
	}

	return string(output), nil
}
