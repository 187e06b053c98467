// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// notCommands are the languages of blocks that no shell runs, other than YAML.
var notCommands = []string{"console", "http", "json", "mermaid", "promql", "text"}

// TestBlocksHaveALanguage checks that each block says what it is. Commands have the language sh: they are checked, or run with
// the note "run", or have the note "unchecked:" with a reason.
func TestBlocksHaveALanguage(t *testing.T) {
	commands := 0

	for _, page := range pages(t) {
		for _, block := range page.Blocks {
			switch {
			case block.Language == "sh":
				commands++

				if _, excused := block.Unchecked(); block.Note != "" && !block.Run() && !excused {
					t.Errorf(`%s: the note %q is neither "run" nor "unchecked: REASON"`, block, block.Note)
				}
			case block.Language == "yaml":
				// See TestYAML.
			case !slices.Contains(notCommands, block.Language):
				t.Errorf("%s: the language %q is not sh, yaml or one of %s", block, block.Language, strings.Join(notCommands, ", "))
			case block.Language == "json" && !isJSON(block.Text):
				t.Errorf("%s: the block is not JSON; text is the language of a block with placeholders", block)
			}
		}
	}

	if commands < 50 {
		t.Errorf("found %d blocks of commands, want at least 50", commands)
	}
}

// isJSON reports whether the text is a sequence of JSON values.
func isJSON(text string) bool {
	values := json.NewDecoder(strings.NewReader(text))

	for {
		var value any

		switch err := values.Decode(&value); {
		case errors.Is(err, io.EOF):
			return true
		case err != nil:
			return false
		}
	}
}
