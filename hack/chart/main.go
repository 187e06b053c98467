// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command chart generates the schema and the README's table of the Helm chart from the comments in values.yaml, so that the
// chart documents and checks all its values.
//
//	go run ./hack/chart charts/whatsapp-webhook-operator
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: chart FOLDER_OF_THE_CHART")
		os.Exit(2)
	}

	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// run generates both files before it writes any, so that an error leaves the chart unchanged.
func run(folder string) error {
	chart, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer chart.Close() //nolint:errcheck // a folder has nothing to flush

	text, err := chart.ReadFile("values.yaml")
	if err != nil {
		return err
	}

	values, err := parseValues(text)
	if err != nil {
		return fmt.Errorf("values.yaml: %w", err)
	}

	schema, err := values.schema()
	if err != nil {
		return fmt.Errorf("values.yaml: %w", err)
	}

	readme, err := chart.ReadFile("README.md")
	if err != nil {
		return err
	}

	if readme, err = withTable(readme, values.table()); err != nil {
		return fmt.Errorf("README.md: %w", err)
	}

	return errors.Join(
		chart.WriteFile("values.schema.json", schema, 0o644),
		chart.WriteFile("README.md", readme, 0o644),
	)
}

// withTable replaces the text between the two marks of the README by the table.
func withTable(readme, table []byte) ([]byte, error) {
	const begin, end = "<!-- begin of the values, written by hack/chart -->\n", "<!-- end of the values -->"

	before, rest, found := bytes.Cut(readme, []byte(begin))

	_, after, foundEnd := bytes.Cut(rest, []byte(end))
	if !found || !foundEnd {
		return nil, errors.New("the marks around the table of values are missing: " + begin + end)
	}

	return bytes.Join([][]byte{before, []byte(begin), table, []byte(end), after}, nil), nil
}
