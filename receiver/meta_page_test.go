// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestMetaPageNamesExistingTests checks that each row of the page about Meta's rules names tests that exist, or says that
// the rule is not followed yet.
func TestMetaPageNamesExistingTests(t *testing.T) {
	page, err := os.ReadFile("../docs/meta.md")
	if err != nil {
		t.Fatal(err)
	}

	existing := existingTests(t)
	cited := regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)`")
	rows := 0
	header := true // of a table

	for line := range strings.Lines(string(page)) {
		switch {
		case !strings.HasPrefix(line, "|"):
			header = true
		case strings.HasPrefix(line, "|---"):
			header = false
		}

		names := cited.FindAllStringSubmatch(line, -1)
		for _, name := range names {
			if !existing[name[1]] {
				t.Errorf("docs/meta.md names the test %s, which does not exist", name[1])
			}
		}

		if !strings.HasPrefix(line, "| ") || header {
			continue
		}

		rows++

		if len(names) == 0 && !strings.Contains(line, "not done") && !strings.Contains(line, "nothing to test") {
			t.Errorf("no test shows what docs/meta.md says in: %s", line)
		}
	}

	if rows < 50 {
		t.Errorf("found %d rows in docs/meta.md, want at least 50", rows)
	}
}
