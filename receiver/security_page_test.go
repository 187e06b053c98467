// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityPageNamesExistingTests checks that the tests and files that the security page cites exist.
func TestSecurityPageNamesExistingTests(t *testing.T) {
	page, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}

	existing := existingTests(t)

	named := 0
	for _, match := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(string(page), -1) {
		name := match[1]
		switch {
		case strings.HasPrefix(name, "Test"), strings.HasPrefix(name, "Fuzz"):
			named++

			if !existing[name] {
				t.Errorf("docs/security.md names the test %s, which does not exist", name)
			}
		case regexp.MustCompile(`^(receiver|controllers|config|hack)/[\w./-]+$`).MatchString(name):
			named++

			if _, err := os.Stat(filepath.Join("..", name)); err != nil {
				t.Errorf("docs/security.md names %s: %v", name, err)
			}
		}
	}

	if named < 50 {
		t.Errorf("found %d names in docs/security.md, want at least 50", named)
	}
}

// existingTests returns the names of the tests that pages of docs may cite.
func existingTests(t *testing.T) map[string]bool {
	t.Helper()

	existing := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)

	for _, root := range []string{".", "../cmd", "../controllers", "../hack", "../test"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}

			source, err := os.ReadFile(path)
			for _, match := range function.FindAllSubmatch(source, -1) {
				existing[string(match[1])] = true
			}

			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	return existing
}
