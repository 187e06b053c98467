// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/wawebhook/whatsapp-webhook-operator/test/docs"
)

const referenceHeader = `# Commands

<!-- Written by 'make reference' from the commands themselves. Do not edit. -->

Every command of the tool with its flags, as ` + "`--help`" + ` shows them. [tool.md](tool.md) is the guide.
` + "`kubectl whatsapp`" + ` has the same commands.
`

// TestDocumentedReference compares the page of commands with the commands.
func TestDocumentedReference(t *testing.T) {
	root := newRoot(&global{
		name: "whatsapp-webhook",
		in:   strings.NewReader(""),
		out:  io.Discard,
		err:  io.Discard,
	})

	var page strings.Builder

	page.WriteString(referenceHeader)
	writeReference(&page, root)

	file := filepath.Join(docs.Root(), "docs", "cli.md")

	if *updateGolden {
		if err := os.WriteFile(file, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(string(written), page.String()); diff != "" {
		t.Errorf("docs/cli.md is out of date; 'make reference' writes it (-page +commands):\n%s", diff)
	}
}

// writeReference writes a section for the command and one for each of its subcommands.
func writeReference(page *strings.Builder, cmd *cobra.Command) {
	fmt.Fprintf(page, "\n## %s\n\n", cmd.CommandPath())

	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}

	fmt.Fprintf(page, "```text\n%s\n", strings.TrimSpace(about))

	if cmd.Example != "" {
		fmt.Fprintf(page, "\nExamples:\n%s\n", strings.TrimRight(cmd.Example, "\n"))
	}

	if flags := cmd.NonInheritedFlags(); flags.HasAvailableFlags() {
		fmt.Fprintf(page, "\nFlags:\n%s", flags.FlagUsages())
	}

	fmt.Fprintf(page, "\nUsage:\n  %s\n```\n", cmd.UseLine())

	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() && child.Name() != "help" {
			writeReference(page, child)
		}
	}
}
