// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPathsOfContainersOnWindows checks that paths are checked in one place, which accepts those of a container on each system. By the
// rules of Windows they are not absolute, and lint and render would refuse each resource there.
func TestPathsOfContainersOnWindows(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}

	var places []string

	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}

		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		for line := range strings.Lines(string(source)) {
			if strings.Contains(line, "filepath.IsAbs(") {
				places = append(places, file+": "+strings.TrimSpace(line))
			}
		}
	}

	const want = `problems.go: p.check(path.IsAbs(name) || filepath.IsAbs(name), key, "must be an absolute path")`
	if len(places) != 1 || places[0] != want {
		t.Errorf("paths are checked by\n%s\nwant only\n%s", strings.Join(places, "\n"), want)
	}
}
