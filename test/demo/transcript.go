// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

// line prints one line.
func line(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
}

// title prints a heading.
func title(text string) {
	fmt.Printf("\n%s\n%s\n", text, strings.Repeat("-", len(text)))
}

// subtitle prints a heading within a part.
func subtitle(text string) { line("\n%s", text) }

// check prints whether a check passed: want describes the expected state, got the actual one.
func (d *demo) check(ok bool, want, got string) {
	if ok {
		line("  ok          %s", want)
		return
	}

	d.failed++

	line("  FAILED      %s: %s", want, got)
}

// checkStatus prints and checks the HTTP status of the receiver's answer.
func (d *demo) checkStatus(what string, got, want int, err error) {
	line("  %-11s %s: answered %d", "Meta", what, got)

	if err != nil || got != want {
		d.check(false, fmt.Sprintf("answered %d", want), fmt.Sprintf("%d, error %v", got, err))
	}
}

// printSummary prints how many checks failed.
func (d *demo) printSummary() {
	if d.failed > 0 {
		line("\n%d checks FAILED", d.failed)
		return
	}

	line("\nAll checks passed.")
}
