// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// TestTextsHaveTheirDirection checks that each text of a person or an answer runs in the direction of its own script, whatever the
// language of the page is: a text in Arabic or Hebrew runs from right to left, with its punctuation at its end.
func TestTextsHaveTheirDirection(t *testing.T) {
	pages, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}

	places := 0

	for _, page := range pages {
		source, err := fs.ReadFile(files, page)
		if err != nil {
			t.Fatal(err)
		}

		for _, element := range regexp.MustCompile(`<(?:p class="text"|textarea)[^>]*>`).FindAllString(string(source), -1) {
			places++

			if !strings.Contains(element, ` dir="auto"`) {
				t.Errorf("%s: %s has the direction of the page", page, element)
			}
		}
	}

	if places == 0 {
		t.Error("no page shows a text")
	}
}
