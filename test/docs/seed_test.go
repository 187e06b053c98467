// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSeedPageIsComplete checks that the page about the guide names each of its functions and callbacks, and only files and
// identifiers of the receiver that exist.
func TestSeedPageIsComplete(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(Root(), "docs", "seed.md"))
	if err != nil {
		t.Fatal(err)
	}

	names, err := os.ReadFile(filepath.Join("testdata", "guide.txt"))
	if err != nil {
		t.Fatal(err)
	}

	for name := range strings.FieldsSeq(string(names)) {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/seed.md does not name %s", name)
		}
	}

	cited := 0

	for _, match := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(string(page), -1) {
		name := match[1]

		switch {
		case regexp.MustCompile(`^[a-z/]+\.go$`).MatchString(name):
			cited++

			if _, err := os.Stat(filepath.Join(Root(), "receiver", name)); err != nil {
				t.Errorf("docs/seed.md names %s: %v", name, err)
			}
		case regexp.MustCompile(`^[a-z]+\.$`).MatchString(name):
			t.Errorf("docs/seed.md names %s, which is cut off", name)
		case regexp.MustCompile(`^[a-z]+(\.[A-Z]\w+)+$`).MatchString(name):
			cited++

			if !declared(t, name) {
				t.Errorf("docs/seed.md names %s, which does not exist", name)
			}
		}
	}

	if cited < 40 {
		t.Errorf("found %d files and identifiers, want at least 40", cited)
	}
}

// declared reports whether a package of the receiver declares PACKAGE.NAME or PACKAGE.TYPE.METHOD.
func declared(t *testing.T, name string) bool {
	t.Helper()

	parts := strings.Split(name, ".")

	files, err := filepath.Glob(filepath.Join(Root(), "receiver", parts[0], "*.go"))
	if err != nil {
		t.Fatal(err)
	}

	last := regexp.QuoteMeta(parts[len(parts)-1])

	pattern := regexp.MustCompile(`(?m)^(?:(?:func|type) |\t)` + last + `\b`)
	if len(parts) == 3 {
		pattern = regexp.MustCompile(`(?m)^func \(\w+ \*?` + regexp.QuoteMeta(parts[1]) + `\) ` + last + `\(`)
	}

	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		if pattern.Match(source) {
			return true
		}
	}

	return false
}
