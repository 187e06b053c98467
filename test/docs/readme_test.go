// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	number = regexp.MustCompile(`[0-9]+(?:[.,][0-9]{3})*`)
	// separators are those of thousands, which are a comma in English and a point in Spanish.
	separators = strings.NewReplacer(",", "", ".", "")
)

// TestFiguresOfTheTranslation checks that the README in Spanish has the figures of the one in English.
func TestFiguresOfTheTranslation(t *testing.T) {
	english := figuresOf(t, "README.md", "## Measured")
	spanish := figuresOf(t, "README.es.md", "## Mediciones")

	if diff := cmp.Diff(english, spanish); diff != "" || len(english) < 15 {
		t.Errorf("figures of README.md and README.es.md (-english +spanish):\n%s", diff)
	}
}

// figuresOf returns the numbers in the table below a heading of a page, in the order of its rows, without separators.
func figuresOf(t *testing.T, path, heading string) []string {
	t.Helper()

	var figures []string

	for _, page := range pages(t) {
		if page.Path != path {
			continue
		}

		below := false

		for _, line := range page.prose {
			if strings.HasPrefix(line, "#") {
				below = line == heading
			}

			if below && strings.HasPrefix(line, "|") {
				for _, figure := range number.FindAllString(line, -1) {
					figures = append(figures, separators.Replace(figure))
				}
			}
		}
	}

	return figures
}
