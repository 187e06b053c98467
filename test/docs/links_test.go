// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/checkout"
)

// ours matches the addresses of files and folders of this repository on GitHub.
var ours = regexp.MustCompile(`^https://(?:github\.com/wawebhook/whatsapp-webhook-operator/(?:blob|tree)|` +
	`raw\.githubusercontent\.com/wawebhook/whatsapp-webhook-operator)/main/`)

// TestLinks checks that the file and the heading of each link to this repository exist.
func TestLinks(t *testing.T) {
	pages := pages(t)

	byPath := map[string]*Page{}
	for _, page := range pages {
		byPath[page.Path] = page
	}

	checked, absolute := 0, 0

	for _, page := range pages {
		for _, link := range page.Links() {
			target, anchor, _ := strings.Cut(link, "#")

			name := page.Path
			if target != "" {
				name = path.Join(path.Dir(page.Path), target)
			}

			switch prefix := ours.FindString(target); {
			case prefix != "":
				absolute++

				name = path.Clean(strings.TrimPrefix(target, prefix))
			case strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:"):
				continue
			}

			checked++

			if _, err := os.Stat(filepath.Join(Root(), name)); err != nil {
				t.Errorf("%s links to %s, which does not exist", page.Path, link)
				continue
			}

			if linked := byPath[name]; anchor != "" && linked != nil && !linked.HasAnchor(anchor) {
				t.Errorf("%s links to %s: the page has no such heading", page.Path, link)
			}
		}
	}

	if checked < 150 || absolute < 3 {
		t.Errorf("checked %d links, %d of them absolute, want at least 150 and 3", checked, absolute)
	}
}

// TestLinksOfOtherFiles checks the links to this repository in files that are not pages, such as Chart.yaml and alerts.
func TestLinksOfOtherFiles(t *testing.T) {
	checkout.DependOn(t)

	byPath := map[string]*Page{}
	for _, page := range pages(t) {
		byPath[page.Path] = page
	}

	search := exec.CommandContext(t.Context(), "git", "grep", "--untracked", "-ohE",
		`https://(github|raw\.githubusercontent)\.com/wawebhook/whatsapp-webhook-operator/[^] "<>)`+"`"+`]+`, "--", ":!*.md", ":!*_test.go")
	search.Dir = Root()

	printed, err := search.Output()
	if err != nil {
		t.Fatalf("search for links: %v", err)
	}

	checked := 0

	for link := range strings.FieldsSeq(string(printed)) {
		target, anchor, _ := strings.Cut(link, "#")

		prefix := ours.FindString(target)
		if prefix == "" {
			continue
		}

		checked++

		name := strings.TrimPrefix(target, prefix)

		if _, err := os.Stat(filepath.Join(Root(), name)); err != nil {
			t.Errorf("a file links to %s, which does not exist", link)
		} else if page := byPath[name]; anchor != "" && (page == nil || !page.HasAnchor(anchor)) {
			t.Errorf("a file links to %s: the page has no such heading", link)
		}
	}

	if checked < 15 {
		t.Errorf("checked %d links, want at least 15", checked)
	}
}

// TestEveryPageIsListed checks that the index names each page of docs/.
func TestEveryPageIsListed(t *testing.T) {
	const index = "docs/README.md"

	listed := map[string]bool{index: true}

	pages := pages(t)
	for _, page := range pages {
		if page.Path == index {
			for _, link := range page.Links() {
				target, _, _ := strings.Cut(link, "#")
				listed[path.Join("docs", target)] = true
			}
		}
	}

	for _, page := range pages {
		if strings.HasPrefix(page.Path, "docs/") && !listed[page.Path] {
			t.Errorf("%s does not name %s", index, page.Path)
		}
	}
}

func TestPageIsRead(t *testing.T) {
	page, err := parse("docs/page.md", "# A `code` title, and [a link](other.md)!\n## Same\n## Same\n"+
		"[one](a.md#b)\n[two\nlines](c.md \"title\") `[no](link.md)` ![](d.png)\n  ```sh unchecked: why not\n  ls\n    in\n  ```\n")
	if err != nil {
		t.Fatal(err)
	}

	for _, anchor := range []string{"a-code-title-and-a-link", "same", "same-1"} {
		if !page.HasAnchor(anchor) {
			t.Errorf("no anchor %s", anchor)
		}
	}

	if got := strings.Join(page.Links(), " "); got != "a.md#b c.md d.png other.md" {
		t.Errorf("links: %s", got)
	}

	want := Block{
		Page:     "docs/page.md",
		Line:     7,
		Language: "sh",
		Note:     "unchecked: why not",
		Text:     "ls\n  in\n",
	}
	if len(page.Blocks) != 1 || page.Blocks[0] != want {
		t.Errorf("blocks: %+v", page.Blocks)
	}

	if _, err := parse("docs/page.md", "```sh\n"); err == nil {
		t.Error("a block without an end is not an error")
	}
}

// pages returns all pages.
func pages(t *testing.T) []*Page {
	t.Helper()

	pages, err := Pages(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if len(pages) < 30 {
		t.Fatalf("found %d pages, want at least 30", len(pages))
	}

	return pages
}
