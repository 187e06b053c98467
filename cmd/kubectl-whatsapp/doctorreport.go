// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/doctor"
)

// groupTitles are the headings of the groups.
var groupTitles = map[string]string{
	"cluster":       "The resource in the cluster",
	"outside":       "The public URL, seen from this machine",
	"configuration": "The configuration",
	"public-url":    "The public URL",
	"meta":          "The account at Meta",
	"ai":            "The AI",
	"connections":   "Other connections",
	"receiver":      "The receiver",
}

// marks are the signs of the states. The word follows, for screen readers and where colors are off.
var marks = map[doctor.State]struct {
	sign string
	tone output.Tone
}{
	doctor.OK:      {"✓", output.Good},
	doctor.Skipped: {"–", output.Faint},
	doctor.Warning: {"!", output.Warning},
	doctor.Failure: {"✗", output.Bad},
}

// printReport prints the groups of checks and a summary. The fix is below each check that needs one.
func printReport(p *output.Printer, report doctor.Report) {
	group := ""

	for _, check := range joinSkipped(report.Checks) {
		if check.Group != group {
			if group != "" {
				p.Printf("\n")
			}

			group = check.Group
			p.Printf("%s\n", p.Paint(output.Bold, groupTitles[group]))
		}

		title := output.CleanLine(check.Title)
		if check.State != doctor.OK && check.Name != "" { // by it, docs/troubleshooting.md and --only name the check
			title += " (" + output.CleanLine(check.Name) + ")"
		}

		mark := marks[check.State]
		state := fmt.Sprintf("%s %-7s", mark.sign, check.State)
		p.Printf("  %s  %s%s\n", p.Paint(mark.tone, state), title, indented(check.Detail, ": "))

		if check.Fix != "" && check.State != doctor.OK {
			p.Printf("             %s %s\n", p.Paint(output.Bold, "Fix:"), indented(check.Fix, ""))
		}
	}

	p.Printf("\n%s\n", summary(report))
}

// joinSkipped returns the checks. It joins neighbors that were skipped for the same reason: only their titles count then.
func joinSkipped(checks []doctor.Check) []doctor.Check {
	var joined []doctor.Check

	for _, check := range checks {
		if n := len(joined); n > 0 && check.State == doctor.Skipped && joined[n-1].State == doctor.Skipped &&
			joined[n-1].Group == check.Group && joined[n-1].Detail == check.Detail && joined[n-1].Fix == check.Fix {
			joined[n-1].Name = ""
			joined[n-1].Title += ", " + check.Title

			continue
		}

		joined = append(joined, check)
	}

	return joined
}

// indented returns a text of one or several lines, the further ones below the column of titles.
func indented(text, separator string) string {
	if text == "" {
		return ""
	}

	const column = "\n             "

	lines := strings.Split(output.Clean(text), "\n")
	if len(lines) > 1 && separator != "" {
		return strings.TrimSpace(separator) + column + strings.Join(lines, column)
	}

	return separator + strings.Join(lines, column)
}

func summary(report doctor.Report) string {
	skipped := 0

	for _, check := range report.Checks {
		if check.State == doctor.Skipped {
			skipped++
		}
	}

	text := output.Count(report.Failures, "failure") + ", " + output.Count(report.Warnings, "warning")
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}

	return text
}
