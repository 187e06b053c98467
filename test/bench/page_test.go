// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var someMachine = machine{
	Commit:     "0123456789",
	Processor:  "Ice | 9",
	Cores:      2,
	Memory:     "24 GiB",
	Kernel:     "6.18",
	Filesystem: "ext4",
	Go:         "go1.26",
	PostgreSQL: "15.18",
}

func someResult(t *testing.T, rows ...figure) result {
	t.Helper()

	began, err := time.Parse(time.RFC3339, "2026-03-01T23:30:00-02:00")
	if err != nil {
		t.Fatal(err)
	}

	m := measurement{figures: rows, charts: []chart{{file: "some", title: "Some lines"}}}

	return newResult(m, someMachine, "-rounds 1", began, 90*time.Second)
}

func TestPage(t *testing.T) {
	elsewhere := someResult(t, figure{name: "a | b"})
	elsewhere.Machine.Cores = 4

	page, err := renderPage(map[string]result{
		"growth": someResult(t, figure{
			name:     "claims",
			measured: "1 ms",
			verdict:  baseLine,
		}, figure{
			name:     "  later",
			measured: "2 ms",
			target:   "<= 1.5",
			ratio:    "2.00",
			verdict:  verdict(false),
		}),
		"ingest":   someResult(t, figure{name: "deliveries/s", measured: "9,000"}),
		"bygone":   someResult(t, figure{name: "of a removed part"}),
		"operator": elsewhere,
	})
	if err != nil {
		t.Fatal(err)
	}

	got := strings.Split(string(page), "\n")

	tables := []string{}
	for _, l := range got {
		if strings.HasPrefix(l, "|") || strings.HasPrefix(l, "On ") || strings.HasPrefix(l, "![") {
			tables = append(tables, l)
		}
	}

	want := []string{
		"| figure | measured | target | ratio | verdict |",
		"| --- | --: | --: | --: | --- |",
		"| **[ingest](#ingest)** |  |  |  |  |",
		"| deliveries/s | 9,000 |  |  |  |",
		"| **[growth](#growth)** |  |  |  |  |",
		"| claims | 1 ms |  |  | base line |",
		"| &emsp;later | 2 ms | <= 1.5 | 2.00 | missed |",
		"| **[operator](#operator)** |  |  |  |  |",
		`| a \| b |  |  |  |  |`,
		"On Ice | 9, 2 cores, 24 GiB of memory, Linux 6.18, ext4, go1.26, PostgreSQL 15.18:",
		"| part | date | commit | took | arguments |",
		"| --- | --- | --- | --: | --- |",
		"| ingest | 2026-03-02 | 0123456789 | 90 s | `-rounds 1` |",
		"| growth | 2026-03-02 | 0123456789 | 90 s | `-rounds 1` |",
		"On Ice | 9, 4 cores, 24 GiB of memory, Linux 6.18, ext4, go1.26, PostgreSQL 15.18:",
		"| part | date | commit | took | arguments |",
		"| --- | --- | --- | --: | --- |",
		"| operator | 2026-03-02 | 0123456789 | 90 s | `-rounds 1` |",
		"![Some lines](benchmarks/some.svg)",
	}
	if diff := cmp.Diff(want, tables); diff != "" {
		t.Errorf("tables and charts (-want +got):\n%s", diff)
	}

	for _, part := range namesOf(new(settings).parts()) {
		if !strings.Contains(string(page), "\n### "+part+"\n") {
			t.Errorf("the page does not explain the part %s", part)
		}
	}
}

func TestSaveResultReplacesOnlyItsPart(t *testing.T) {
	tree := t.TempDir()
	old := someResult(t, figure{name: "old", measured: "1"})
	first := someResult(t, figure{name: "first", measured: "1"})

	second := someResult(t, figure{name: "second", measured: "2"})
	for _, run := range []struct {
		part   string
		result result
	}{{"ingest", old}, {"growth", first}, {"ingest", second}} {
		if err := saveResult(tree, run.part, run.result, []chart{{file: "some", title: "Some lines"}}); err != nil {
			t.Fatal(err)
		}
	}

	results, err := readResults(tree)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(map[string]result{"growth": first, "ingest": second}, results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}

	page, err := os.ReadFile(filepath.Join(tree, pageFile))
	if err != nil {
		t.Fatal(err)
	}

	for text, want := range map[string]bool{
		"| first |":  true,
		"| second |": true,
		"| old |":    false,
	} {
		if strings.Contains(string(page), text) != want {
			t.Errorf("the page has %q: %v, want %v", text, !want, want)
		}
	}

	svg, err := os.ReadFile(filepath.Join(tree, pageFolder, "some.svg"))
	if err != nil || !strings.Contains(string(svg), "Some lines") {
		t.Errorf("the chart is %q, %v", svg, err)
	}
}

func TestUnreadableResultsAreNotOverwritten(t *testing.T) {
	tree := t.TempDir()

	file := filepath.Join(tree, resultsFile)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(file, []byte("<<<<<<< ours"), 0o600); err != nil {
		t.Fatal(err)
	}

	if err := saveResult(tree, "ingest", result{}, nil); err == nil ||
		!strings.Contains(err.Error(), resultsFile) {
		t.Errorf("got %v, want an error with the name of the file", err)
	}

	if data, err := os.ReadFile(file); err != nil || string(data) != "<<<<<<< ours" {
		t.Errorf("the file is now %q, %v", data, err)
	}
}

// TestPageMatchesResults compares the committed page with the output of 'make bench'.
func TestPageMatchesResults(t *testing.T) {
	tree := filepath.Join("..", "..")

	results, err := readResults(tree)
	if err != nil {
		t.Fatal(err)
	}

	want, err := renderPage(results)
	if err != nil {
		t.Fatal(err)
	}

	got, err := os.ReadFile(filepath.Join(tree, pageFile))
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf(
			"%s differs from the template with the results: run 'make bench ARGS=-render' (-want +got):\n%s",
			pageFile,
			diff,
		)
	}

	for part, r := range results {
		for _, c := range r.Charts {
			if _, err := os.Stat(filepath.Join(tree, pageFolder, c.File)); err != nil {
				t.Errorf("a chart of %s is missing: %v", part, err)
			}
		}
	}
}
