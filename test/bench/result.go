// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// What the benchmark writes, within the tree it is run in.
const (
	pageFile    = "docs/benchmarks.md"
	pageFolder  = "docs/benchmarks"
	resultsFile = pageFolder + "/results.json"
)

// result is what one part last measured. A run of other parts leaves it as it is.
type result struct {
	Date    string      `json:"date"` // of the day, UTC
	Seconds int         `json:"seconds"`
	Args    string      `json:"args"` // of the run
	Place   place       `json:"place"`
	Rows    []row       `json:"rows"`
	Charts  []chartFile `json:"charts,omitempty"`
}

// chartFile is a chart that lies beside the results.
type chartFile struct {
	File  string `json:"file"`
	Title string `json:"title"`
}

func newResult(m measurement, where place, args string, began time.Time, took time.Duration) result {
	r := result{
		Date:    began.UTC().Format(time.DateOnly),
		Seconds: int(took.Seconds()),
		Args:    args,
		Place:   where,
	}
	for _, f := range m.figures {
		r.Rows = append(r.Rows, f.row())
	}

	for _, c := range m.charts {
		r.Charts = append(r.Charts, chartFile{File: c.file + ".svg", Title: c.title})
	}

	return r
}

// keep puts a part's result in the place of its last one in a tree, and renders the page anew.
func keep(tree, part string, r result, charts []chart) error {
	results, err := readResults(tree)
	if err != nil {
		return err
	}

	results[part] = r

	var encoded bytes.Buffer

	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")

	if err := encoder.Encode(results); err != nil {
		return fmt.Errorf("write the results: %w", err)
	}

	files := map[string][]byte{resultsFile: encoded.Bytes()}
	for _, c := range charts {
		files[filepath.Join(pageFolder, c.file+".svg")] = c.svg()
	}

	if err := os.MkdirAll(filepath.Join(tree, pageFolder), 0o755); err != nil { //nolint:gosec // for everybody to read
		return fmt.Errorf("make a folder for the results: %w", err)
	}

	for name, content := range files {
		if err := os.WriteFile(filepath.Join(tree, name), content, 0o644); err != nil { //nolint:gosec // for everybody to read
			return fmt.Errorf("write the results: %w", err)
		}
	}

	return writePage(tree)
}

// writePage renders a tree's page from its last results.
func writePage(tree string) error {
	results, err := readResults(tree)
	if err != nil {
		return err
	}

	page, err := renderPage(results)
	if err != nil {
		return err
	}

	if err := os.WriteFile(filepath.Join(tree, pageFile), page, 0o644); err != nil { //nolint:gosec // for everybody to read
		return fmt.Errorf("write the page: %w", err)
	}

	return nil
}

// readResults returns a tree's last results by part; none when there are none yet.
func readResults(tree string) (map[string]result, error) {
	results := map[string]result{}

	data, err := os.ReadFile(filepath.Join(tree, resultsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return results, nil
	} else if err != nil {
		return nil, fmt.Errorf("read the last results: %w", err)
	}

	if err := json.Unmarshal(data, &results); err != nil {
		return nil, fmt.Errorf("read the last results: %s: %w; without that file the next run begins anew", resultsFile, err)
	}

	return results, nil
}
