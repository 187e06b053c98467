// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package setup

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/docs"
)

// TestScriptsRunOnMacOS checks the scripts of the repository, the Makefile that calls them, and the commands of the pages.
func TestScriptsRunOnMacOS(t *testing.T) {
	scripts := 0

	for _, file := range scriptFiles(t) {
		text, err := os.ReadFile(filepath.Join(docs.Root(), file))
		if err != nil {
			t.Fatal(err)
		}

		scripts++

		for _, found := range unportable(string(text)) {
			t.Errorf("%s:%s", file, found)
		}
	}

	if scripts < 10 {
		t.Errorf("found %d scripts, want at least 10", scripts)
	}

	pages, err := docs.Pages(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	for _, page := range pages {
		for _, block := range page.Blocks {
			if block.Language != "sh" {
				continue
			}

			for _, found := range unportable(block.Text) {
				t.Errorf("%s, line %s", block, found)
			}
		}
	}
}

// scriptFiles returns the Makefile and the shell scripts of the repository.
func scriptFiles(t *testing.T) []string {
	t.Helper()

	list := exec.CommandContext(t.Context(), "git", "grep", "--untracked", "-lE", "^#!.*[/ ](ba)?sh$", "--", ":!*.go", ":!*.md")
	list.Dir = docs.Root()

	printed, err := list.Output()
	if err != nil {
		t.Fatalf("list the scripts: %v", err)
	}

	return append(strings.Fields(string(printed)), "Makefile")
}

func TestUnportable(t *testing.T) {
	for script, want := range map[string]string{
		"folder=$(realpath -m \"$1\")\n":                "1: realpath",
		"set -e\nsed -E -i s/a/b/ file\n":               "2: sed -i",
		"sed -e s/a/b/ \\\n  -i file\n":                 "1: sed -i",
		"echo a \\\n  b\ngrep -qP '\\d' file\n":         "3: grep -P",
		"images() {\n  sed -E s/a/b/ \"$@\"\n}\n":       "2: sed \"$@\"",
		"date -u -d yesterday\n":                        "1: date -d",
		"find . -type f -printf '%p'\n":                 "1: find -printf",
		"ls | sort -rV\n":                               "1: sort -V",
		"ls | xargs -r rm\n":                            "1: xargs -r",
		"size=$(stat -c %s file)\n":                     "1: stat -c",
		"mktemp --suffix=.yaml\n":                       "1: mktemp --suffix",
		"files | xargs sha256sum\n":                     "1: sha256sum",
		"timeout 5 sleep 9\n":                           "1: timeout",
		"mapfile -t files < list\n":                     "1: mapfile",
		"declare -A seen\n":                             "1: declare -A",
		"echo ${name,,}\n":                              "1: ${name,,}",
		"# sed -i is not portable\n":                    "",
		"go tool -modfile=a.mod kustomize -i\n":         "",
		"sed -E s/-i/a/ file | sort -u\n":               "",
		"sha256sum a # on macOS: shasum -a 256 a\n":     "",
		"if command -v flock >/dev/null; then\nflock 9": "",
		"kubectl wait pod/a --timeout 2m\n":             "",
		"date -u +%s; docker run -d image\n":            "",
	} {
		found := strings.Join(unportable(script), "\n")
		if want == "" && found != "" || !strings.HasPrefix(found, want) {
			t.Errorf("%q: found %q, want %q", script, found, want)
		}
	}
}
