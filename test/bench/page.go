// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed" // the page's template
	"fmt"
	"slices"
	"strings"
	"text/template"
)

//go:embed page.md.tmpl
var pageTemplate string

// renderPage returns the page docs/benchmarks.md for the results by part. Its tables omit parts without a result.
func renderPage(results map[string]result) ([]byte, error) {
	measured := slices.DeleteFunc(namesOf(new(settings).parts()), func(name string) bool {
		_, found := results[name]
		return !found
	})

	page, err := template.New("page").Funcs(template.FuncMap{
		"figures": func() string { return figuresTable(measured, results) },
		"runs":    func() string { return runsTable(measured, results) },
		"charts":  func(part string) string { return images(results[part].Charts) },
	}).Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("read the page's template: %w", err)
	}

	var b bytes.Buffer
	if err := page.Execute(&b, nil); err != nil {
		return nil, fmt.Errorf("render the page: %w", err)
	}

	return b.Bytes(), nil
}

func figuresTable(parts []string, results map[string]result) string {
	rows := [][]string{headings[:], {"---", "--:", "--:", "--:", "---"}}
	for _, part := range parts {
		rows = append(rows, []string{"**[" + part + "](#" + part + ")**", "", "", "", ""})
		for _, r := range results[part].Rows {
			name := strings.TrimLeft(r[0], " ")
			indent := strings.Repeat("&emsp;", (len(r[0])-len(name))/2)
			r[0] = indent + name
			rows = append(rows, r[:])
		}
	}

	return markdownTable(rows)
}

// runsTable returns a table of the runs for each machine.
func runsTable(parts []string, results map[string]result) string {
	var machines []string

	runs := map[string][][]string{}
	for _, part := range parts {
		r := results[part]

		machine := r.Machine.String()
		if runs[machine] == nil {
			machines = append(machines, machine)
			runs[machine] = [][]string{
				{"part", "date", "commit", "took", "arguments"},
				{"---", "---", "---", "--:", "---"},
			}
		}

		args := ""
		if r.Args != "" {
			args = "`" + r.Args + "`"
		}

		runs[machine] = append(runs[machine], []string{
			part,
			r.Date,
			r.Machine.Commit,
			fmt.Sprintf("%d s", r.Seconds),
			args,
		})
	}

	tables := make([]string, len(machines))
	for i, machine := range machines {
		tables[i] = "On " + machine + ":\n\n" + markdownTable(runs[machine])
	}

	return strings.Join(tables, "\n\n")
}

func markdownTable(rows [][]string) string {
	var b strings.Builder
	for _, cells := range rows {
		for _, cell := range cells {
			b.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
		}

		b.WriteString("|\n")
	}

	return strings.TrimSuffix(b.String(), "\n")
}

func images(charts []chartFile) string {
	lines := make([]string, len(charts))
	for i, c := range charts {
		lines[i] = "![" + c.Title + "](benchmarks/" + c.File + ")"
	}

	return strings.Join(lines, "\n\n")
}
