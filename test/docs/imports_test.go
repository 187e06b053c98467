// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/wawebhook/whatsapp-webhook-operator/"

// drawn are packages in a line of the drawing, with the columns that they take.
type drawn struct {
	names      []string
	begin, end int
}

var (
	// list matches packages between two arrows.
	list = regexp.MustCompile(`[a-z][a-z/]*(?:, [a-z][a-z/]*)*`)
	// remark is a word about a package.
	remark = regexp.MustCompile(`\([^)]*\)`)
)

// TestDrawnImports checks that each arrow between packages in CONTRIBUTING.md is an import.
func TestDrawnImports(t *testing.T) {
	arrows := 0

	for _, page := range pages(t) {
		if page.Path != "CONTRIBUTING.md" {
			continue
		}

		for _, block := range page.Blocks {
			if block.Language != "text" || !strings.Contains(block.Text, "▶") {
				continue
			}

			for _, arrow := range readArrows(block.Text) {
				arrows++

				if err := checkImport(t, arrow[0], arrow[1]); err != nil {
					t.Errorf("%s draws %s ──▶ %s: %v", block, arrow[0], arrow[1], err)
				}
			}
		}
	}

	if arrows < 15 {
		t.Errorf("checked %d arrows, want at least 15", arrows)
	}
}

// readArrows returns the packages at both ends of each arrow. A branch begins below the package that it belongs to.
func readArrows(drawing string) [][2]string {
	var (
		above  []drawn
		arrows [][2]string
	)

	for line := range strings.Lines(remark.ReplaceAllString(drawing, "")) {
		if strings.HasPrefix(line, "test ") {
			continue // imports everything
		}

		var from []string

		if column := columnOf(line, "├└"); column >= 0 {
			for _, d := range slices.Backward(above) {
				if d.begin <= column && column <= d.end {
					from = d.names
					break
				}
			}
		}

		for _, at := range list.FindAllStringIndex(line, -1) {
			d := drawn{
				names: strings.Split(line[at[0]:at[1]], ", "),
				begin: len([]rune(line[:at[0]])),
				end:   len([]rune(line[:at[1]])),
			}

			for _, importer := range from {
				for _, imported := range d.names {
					arrows = append(arrows, [2]string{importer, imported})
				}
			}

			from = d.names
			above = append(above, d)
		}
	}

	return arrows
}

// columnOf returns the column of the first of the characters, or -1.
func columnOf(line, characters string) int {
	at := strings.IndexAny(line, characters)
	if at < 0 {
		return -1
	}

	return len([]rune(line[:at]))
}

// checkImport returns an error if a package does not import the other, or a package in its folder.
func checkImport(t *testing.T, importer, imported string) error {
	t.Helper()

	command := exec.CommandContext(t.Context(), "go", "list", "-f", `{{join .Imports "\n"}}`, folderOf(importer))
	command.Dir = Root()

	printed, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, printed)
	}

	folder := module + strings.TrimPrefix(folderOf(imported), "./")
	for name := range strings.Lines(string(printed)) {
		if name = strings.TrimSpace(name); name == folder || strings.HasPrefix(name, folder+"/") {
			return nil
		}
	}

	return fmt.Errorf("it imports no package of %s", folder)
}

// folderOf returns the folder of a package in the drawing, which leaves the receiver's folder out.
func folderOf(name string) string {
	top, _, _ := strings.Cut(name, "/")
	if slices.Contains([]string{"api", "cmd", "controllers", "receiver"}, top) {
		return "./" + name
	}

	return "./receiver/" + name
}
