// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	// transcriptFile has the transcripts of the last run that updated it.
	transcriptFile = "../../docs/tool-transcripts.md"
	// updateVariable lets a run rewrite the file.
	updateVariable = "UPDATE_TRANSCRIPTS"
)

// transcript is a page with command lines and what they wrote.
type transcript struct{ text strings.Builder }

// section begins the commands of one kind.
func (r *transcript) section(title string) { fmt.Fprintf(&r.text, "\n## %s\n", title) }

// add adds a command line with its output.
func (r *transcript) add(line, printed string, code int) {
	fmt.Fprintf(&r.text, "\n```console\n$ %s\n%s", line, strings.TrimRight(printed, "\n")+"\n")

	if code != 0 {
		fmt.Fprintf(&r.text, "$ echo $?\n%d\n", code)
	}

	r.text.WriteString("```\n")
}

// steady replaces what differs from run to run. It keeps the length where it can, so that tables stay aligned.
var steady = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z`), "2026-11-23T06:49:00.000Z"},
	{regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{4,}Z`), "2026-11-23T06:49:00.000000Z"},
	{regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z`), "2026-11-23T06:49:00Z"},
	{regexp.MustCompile(`(?m)^\d{2}:\d{2}:\d{2}  `), "06:49:00  "},
	{regexp.MustCompile(`has \d+ files`), "has 18 files"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "5f0c1d2e3a4b5c6d7e8f901234567890"},
	{regexp.MustCompile(`\bc[A-Za-z0-9_-]{86}`), "c" + strings.Repeat("Qm9", 28) + "Qg"},
	{regexp.MustCompile(`conversation=[0-9a-f]+`), "conversation=1f2e3d4c5b6a7988"},
	{regexp.MustCompile(`\b(sales|support)-[0-9a-f]{8,10}-[a-z0-9]{5}\b`), "$1-7d4b9c6f58-x2x4p"},
	{regexp.MustCompile(`\d+ ms\b`), "30 ms"},
	{regexp.MustCompile(`[1-9]\d* received, \d+ processed, \d+ failed`), "3 received, 1 processed, 1 failed"},
	{regexp.MustCompile(`[1-9]\d* active, `), "2 active, "},
	{regexp.MustCompile(`[0-9]+\.[0-9]+ MiB`), "0.3 MiB"},
	{regexp.MustCompile(`go1[0-9.]+, \w+/\w+`), "go1.26.11, linux/amd64"},
	{regexp.MustCompile(`https://[0-9.]+:\d+`), "https://10.213.0.2:6443"},
	{regexp.MustCompile(`--before \d+`), "--before 42"},
	// Meta may report a send before the receiver has recorded the end of its message.
	{regexp.MustCompile(`((?:.*Meta reports .*\n)+)(.*ended as done\n)`), "$2$1"},
}

// age is a time that has passed, with the spaces after it.
var age = regexp.MustCompile(`(\+[0-9.]+m?s|\b\d+(?:m\d+)?[sm]\b)( *)`)

// steadied returns the text of a run with what differs from run to run replaced.
func steadied(text string) string {
	for _, part := range steady {
		text = part.pattern.ReplaceAllString(text, part.instead)
	}

	return age.ReplaceAllStringFunc(text, func(found string) string {
		instead := "12s"
		if strings.HasPrefix(found, "+") {
			instead = "+12ms"
		}

		return instead + strings.Repeat(" ", max(len(found)-len(instead), strings.Count(found, " ")))
	})
}

// check compares the transcript with the file, or rewrites the file.
func (r *transcript) check(t *testing.T) {
	t.Helper()

	page := `# Transcripts of the tool

A run of ` + "`make e2e`" + ` wrote them on a real node: what the commands of [the tool](tool.md) print there. Times, ids and the names
of pods are replaced. ` + "`" + updateVariable + `=1 make e2e` + "`" + ` rewrites the page.
` + steadied(r.text.String())

	if os.Getenv(updateVariable) != "" {
		if err := os.WriteFile(transcriptFile, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}

		return
	}

	want, err := os.ReadFile(transcriptFile)
	if err != nil {
		t.Fatal(err)
	}

	// The widths of columns depend on what was replaced.
	spaces := regexp.MustCompile(` {2,}`)
	if diff := cmp.Diff(spaces.ReplaceAllString(string(want), "  "), spaces.ReplaceAllString(page, "  ")); diff != "" {
		t.Errorf("%s (-want +got); %s=1 rewrites it:\n%s", transcriptFile, updateVariable, diff)
	}
}
