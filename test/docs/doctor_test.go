// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/checkup"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

// finding matches a check with the mark of its result, as pages write it: a failure, a warning or a skipped one.
var finding = regexp.MustCompile("`[✗!–] ([a-z-]+)[`:]")

// TestFindingsOfTheDoctor checks that troubleshooting.md has each check of doctor with a mark, and that pages name no other.
func TestFindingsOfTheDoctor(t *testing.T) {
	all := checkup.Catalog()
	named := map[string]bool{}

	for _, page := range pages(t) {
		for _, match := range finding.FindAllStringSubmatch(strings.Join(page.prose, "\n"), -1) {
			if !slices.ContainsFunc(all, func(c doctor.Check) bool { return c.Name == match[1] }) {
				t.Errorf("%s names %s, which is not a check of doctor", page.Path, match[1])
			}

			if page.Path == "docs/troubleshooting.md" {
				named[match[1]] = true
			}
		}
	}

	for _, check := range all {
		if !named[check.Name] {
			t.Errorf("docs/troubleshooting.md does not say what to do about %s", check.Name)
		}
	}
}
