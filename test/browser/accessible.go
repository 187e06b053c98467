// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// runAxe returns what axe-core finds on the page: the rule, the element, and why.
const runAxe = `axe.run(document, {
	runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
	resultTypes: ["violations"],
	preload: false,
}).then(({violations}) => violations.flatMap((rule) => rule.nodes.map((node) =>
	rule.id + " at " + node.target.join(" ") + ": " + node.html.slice(0, 200) + "\n    " + node.failureSummary.replaceAll(/\s+/g, " "))))`

// CheckAccessible fails the test for each finding of axe-core.
func (p *Page) CheckAccessible() {
	p.t.Helper()

	if findings := p.AxeFindings(); len(findings) > 0 {
		p.t.Errorf("%s: axe-core finds:\n  %s", Eval[string](p, "document.title + ' ' + location.pathname + location.search"),
			strings.Join(findings, "\n  "))
	}
}

// AxeFindings returns what on the page violates WCAG 2.2 up to AA, or best practices.
func (p *Page) AxeFindings() []string {
	p.t.Helper()

	if !Eval[bool](p, "'axe' in window") {
		Eval[bool](p, axe(p.t)+"; true")
	}

	return Eval[[]string](p, runAxe)
}

// axe returns the program of axe-core, which npm has installed.
func axe(t testing.TB) string {
	t.Helper()

	_, file, _, _ := runtime.Caller(0)

	program, err := os.ReadFile(filepath.Join(filepath.Dir(file), "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("axe-core is not installed, run make axe: %v", err)
	}

	return string(program)
}
