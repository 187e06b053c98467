// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/cmd/kubectl-whatsapp/output"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/lint"
)

// lintResult is the result of the command lint.
type lintResult struct {
	Checked  int            `json:"checked"`
	Others   int            `json:"others"`
	Errors   int            `json:"errors"`
	Warnings int            `json:"warnings"`
	Findings []lint.Finding `json:"findings"`
}

func newLintCommand(g *global) *cobra.Command {
	var strict bool

	cmd := &cobra.Command{
		Use:   "lint FILE…",
		Short: "Check WhatsAppWebhooks in files, without a cluster",
		Long: `Check WhatsAppWebhooks in files, without a cluster.

It finds what the API server would refuse, in the API server's words, what the operator or the receiver could not use, and
keys that Secrets of the same files lack. A FILE is YAML or JSON, a folder, or - for standard input. Objects of other kinds
are counted and not checked. The exit code is 1 if there are errors, or no objects at all.`,
		Example: g.example("lint webhook.yaml secrets.yaml", "lint deploy/", "lint --strict -o json webhook.yaml") +
			"\n  kustomize build overlays/production | " + g.name + " lint -",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := lintFiles(cmd, g, args)
			if err != nil {
				return err
			}

			if report.Checked+report.Others+len(report.Findings) == 0 {
				return output.Failed("Name a file with a WhatsAppWebhook. Of a pipe, see whether the command before it failed.",
					"the files have no WhatsAppWebhook, and no other object")
			}

			result := lintResult{
				Checked:  report.Checked,
				Others:   report.Others,
				Errors:   report.Errors(),
				Warnings: len(report.Findings) - report.Errors(),
				Findings: append([]lint.Finding{}, report.Findings...),
			}
			p := g.printer()

			if err := p.Result(result, func() { printFindings(p, result.Findings) }); err != nil {
				return err
			}

			p.Note("%s", lintSummary(result))

			if result.Errors > 0 || strict && result.Warnings > 0 {
				return output.ErrVerdict
			}

			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings end with exit code 1 too")

	return cmd
}

// lintSummary returns the counts of a result as a line.
func lintSummary(r lintResult) string {
	summary := fmt.Sprintf("%s checked, %s, %s",
		output.Count(r.Checked, "WhatsAppWebhook"), output.Count(r.Errors, "error"), output.Count(r.Warnings, "warning"))

	if r.Checked == 0 && r.Others > 0 {
		summary += fmt.Sprintf("; of other kinds: %s, not checked", output.Count(r.Others, "object"))
	}

	return summary
}

// lintFiles checks files as the commands that read resources do.
func lintFiles(cmd *cobra.Command, g *global, paths []string) (lint.Report, error) {
	files, err := lint.ReadFiles(paths, g.in)
	if err != nil {
		return lint.Report{}, output.Usage("Name files that exist, a folder, or - for standard input.", "read the files: %w", err)
	}

	linter, err := lint.New(*g.kube.Namespace)
	if err != nil {
		return lint.Report{}, err
	}

	return linter.Lint(cmd.Context(), files), nil
}

// printFindings prints one finding a line.
func printFindings(p *output.Printer, findings []lint.Finding) {
	for _, finding := range findings {
		tone := output.Bad
		if finding.Level == lint.LevelWarning {
			tone = output.Warning
		}

		p.Printf("%s\n", p.Paint(tone, output.CleanLine(finding.String())))
	}
}
