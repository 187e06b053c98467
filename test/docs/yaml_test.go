// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

const valuesSchema = "charts/whatsapp-webhook-operator/values.schema.json"

// TestYAML decodes the resources, and parts of resources, that the pages show. Values may be placeholders. Another block has
// the note "values" if it is for the chart, "tested: TEST" or "unchecked: REASON".
func TestYAML(t *testing.T) {
	decoded := 0

	for _, page := range pages(t) {
		for _, block := range page.Blocks {
			if block.Language != "yaml" {
				continue
			}

			if _, unchecked := block.Unchecked(); unchecked {
				continue
			}

			decoded++

			if err := checkYAML(t.Context(), block); err != nil {
				t.Errorf("%s: %v", block, err)
			}
		}
	}

	if decoded < 15 {
		t.Errorf("decoded %d blocks of YAML, want at least 15", decoded)
	}
}

func checkYAML(ctx context.Context, block Block) error {
	tested := regexp.MustCompile(`^tested: (Test\w+)$`).FindStringSubmatch(block.Note)

	switch {
	case block.Note == "":
		return yaml.UnmarshalStrict([]byte(block.Text), &v1alpha1.WhatsAppWebhook{})
	case block.Note == "values":
		return checkValues(block.Text)
	case tested != nil:
		search := exec.CommandContext(ctx, "git", "grep", "--untracked", "-q", "^func "+tested[1]+"(", "--", "*_test.go")
		search.Dir = Root()

		return search.Run()
	default:
		return errors.New("unknown note " + block.Note)
	}
}

// checkValues validates values against the schema of the chart.
func checkValues(text string) error {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(Root(), valuesSchema))
	if err != nil {
		return err
	}

	var values any
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		return err
	}

	return schema.Validate(values)
}
