// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

var (
	yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	leading   = regexp.MustCompile(`^ *`)
)

// TestSpecsInGuidesHaveKnownFields decodes the parts of resources that the guides show. Values may be placeholders.
func TestSpecsInGuidesHaveKnownFields(t *testing.T) {
	root := filepath.Join("..", "..")

	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}

		pages = append(pages, found...)
	}

	decoded := 0

	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}

		for _, match := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			block := outdented(match[1])
			if !strings.HasPrefix(block, "spec:\n") {
				continue
			}

			decoded++

			if err := yaml.UnmarshalStrict([]byte(block), &v1alpha1.WhatsAppWebhook{}); err != nil {
				t.Errorf("%s shows\n%s%v", page, block, err)
			}
		}
	}

	if decoded < 5 {
		t.Errorf("decoded %d parts of resources, want at least 5", decoded)
	}
}

// outdented removes the indentation of the first line from all lines, since a block may be part of a list.
func outdented(block string) string {
	indent := leading.FindString(block)

	lines := slices.Collect(strings.Lines(block))
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, indent)
	}

	return strings.Join(lines, "")
}
