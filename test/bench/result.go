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

// The files that the benchmark writes, relative to the tree.
const (
	pageFile    = "docs/benchmarks.md"
	pageFolder  = "docs/benchmarks"
	resultsFile = pageFolder + "/results.json"
)

// result is the last result of one part. A run of other parts does not change it.
type result struct {
	Date    string      `json:"date"` // of the start, UTC
	Seconds int         `json:"seconds"`
	Args    string      `json:"args"` // of the command
	Machine machine     `json:"machine"`
	Rows    []row       `json:"rows"`
	Charts  []chartFile `json:"charts,omitempty"`
}

// chartFile is a chart in the folder of the results.
type chartFile struct {
	File  string `json:"file"`
	Title string `json:"title"`
}

func newResult(m measurement, on machine, args string, began time.Time, took time.Duration) result {
	r := result{
		Date:    began.UTC().Format(time.DateOnly),
		Seconds: int(took.Seconds()),
		Args:    args,
		Machine: on,
	}
	for _, f := range m.figures {
		r.Rows = append(r.Rows, f.row())
	}

	for _, c := range m.charts {
		r.Charts = append(r.Charts, chartFile{File: c.file + ".svg", Title: c.title})
	}

	return r
}

// saveResult replaces the last result of a part in a tree, and renders the page.
func saveResult(tree, part string, r result, charts []chart) error {
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

	folder := filepath.Join(tree, pageFolder)
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // a public document
		return fmt.Errorf("create the folder of the results: %w", err)
	}

	for name, content := range files {
		file := filepath.Join(tree, name)
		if err := os.WriteFile(file, content, 0o644); err != nil { //nolint:gosec // a public document
			return fmt.Errorf("write the results: %w", err)
		}
	}

	return writePage(tree)
}

// writePage renders the page of a tree from its last results.
func writePage(tree string) error {
	results, err := readResults(tree)
	if err != nil {
		return err
	}

	page, err := renderPage(results)
	if err != nil {
		return err
	}

	file := filepath.Join(tree, pageFile)
	if err := os.WriteFile(file, page, 0o644); err != nil { //nolint:gosec // a public document
		return fmt.Errorf("write the page: %w", err)
	}

	return nil
}

// readResults returns the last results of a tree by part.
func readResults(tree string) (map[string]result, error) {
	results := map[string]result{}

	data, err := os.ReadFile(filepath.Join(tree, resultsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return results, nil
	} else if err != nil {
		return nil, fmt.Errorf("read the last results: %w", err)
	}

	if err := json.Unmarshal(data, &results); err != nil {
		return nil, fmt.Errorf(
			"read the last results: %s: %w; delete the file to start without earlier results",
			resultsFile,
			err,
		)
	}

	return results, nil
}
