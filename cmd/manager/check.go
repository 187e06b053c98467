// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/lint"
)

// check prints the faults of the resources in a file or folder, and returns the exit code.
func check(out io.Writer, path string) int {
	report, err := lintPath(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, "manager:", err)
		return 1
	}

	for _, finding := range report.Findings {
		fmt.Fprintln(out, finding)
	}

	fmt.Fprintf(out, "%d WhatsAppWebhooks checked, %d errors\n", report.Checked, report.Errors())

	if report.Errors() > 0 {
		return 1
	}

	return 0
}

func lintPath(path string) (lint.Report, error) {
	files, err := lint.ReadFiles([]string{path}, os.Stdin)
	if err != nil {
		return lint.Report{}, err
	}

	linter, err := lint.New("")
	if err != nil {
		return lint.Report{}, err
	}

	return linter.Lint(context.Background(), files), nil
}
