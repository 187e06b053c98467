// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentedValues checks that the table in docs/receiver.md names each value of labels with few values.
func TestDocumentedValues(t *testing.T) {
	page, err := os.ReadFile("../../docs/receiver.md")
	if err != nil {
		t.Fatal(err)
	}

	for metric, values := range map[string][]string{
		"whatsapp_scope_closed":       slices.Concat(scopeKinds, scopeReasons),
		"whatsapp_store_errors_total": storeOperations,
	} {
		_, row, _ := strings.Cut(string(page), "| `"+metric)
		row, _, _ = strings.Cut(row, "\n")

		for _, value := range values {
			if !strings.Contains(row, "`"+value+"`") {
				t.Errorf("docs/receiver.md lacks the value %s of %s", value, metric)
			}
		}
	}
}

// TestDocumentedMetrics checks that the table in docs/receiver.md names the metrics of this package, and no others.
func TestDocumentedMetrics(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}

	var declared []string

	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		if strings.HasSuffix(file, "_test.go") {
			continue
		}

		for _, match := range regexp.MustCompile(`"(whatsapp_[a-z_]+)"`).FindAllSubmatch(source, -1) {
			declared = append(declared, string(match[1]))
		}
	}

	page, err := os.ReadFile("../../docs/receiver.md")
	if err != nil {
		t.Fatal(err)
	}

	_, section, _ := strings.Cut(string(page), "\n## Metrics\n")
	section, _, _ = strings.Cut(section, "\n## ")

	var documented []string

	for line := range strings.Lines(section) {
		names, isRow := strings.CutPrefix(line, "| `")
		if !isRow {
			continue
		}

		names, _, _ = strings.Cut(names, " | ")
		documented = append(documented, regexp.MustCompile(`whatsapp_[a-z_]+`).FindAllString(names, -1)...)
	}

	slices.Sort(declared)
	slices.Sort(documented)

	if diff := cmp.Diff(slices.Compact(declared), documented); diff != "" {
		t.Errorf("the table of metrics in docs/receiver.md is out of date (-code +table):\n%s", diff)
	}
}
