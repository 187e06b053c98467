// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command chart generates files of the Helm chart: the templates from the objects of config/default, which it reads from
// standard input, and the schema and the README's table from the comments in values.yaml. So the chart has the same
// rights, ports and security settings as config/, and documents all its values.
//
//	kustomize build config/default | go run ./hack/chart charts/whatsapp-webhook-operator
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: chart FOLDER_OF_THE_CHART, with the objects of config/default on standard input")
		os.Exit(2)
	}

	if err := run(os.Args[1], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// run generates all files before it writes any, so that an error leaves the chart unchanged.
func run(folder string, manifests io.Reader) error {
	objects, err := readObjects(manifests)
	if err != nil {
		return fmt.Errorf("read the objects of config/default: %w", err)
	}

	derived, err := renderTemplates(objects)
	if err != nil {
		return err
	}

	chart, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer chart.Close() //nolint:errcheck // a folder has nothing to flush

	if err := deriveFromValues(chart, derived); err != nil {
		return err
	}

	if err := removeStale(chart, derived); err != nil {
		return err
	}

	for name, text := range derived {
		if err := errors.Join(chart.MkdirAll(path.Dir(name), 0o755), chart.WriteFile(name, text, 0o644)); err != nil {
			return err
		}
	}

	return nil
}

// deriveFromValues adds the schema and the README, which are generated from values.yaml.
func deriveFromValues(chart *os.Root, derived map[string][]byte) error {
	text, err := chart.ReadFile("values.yaml")
	if err != nil {
		return err
	}

	values, err := parseValues(text)
	if err != nil {
		return fmt.Errorf("values.yaml: %w", err)
	}

	if derived["values.schema.json"], err = values.schema(); err != nil {
		return fmt.Errorf("values.yaml: %w", err)
	}

	readme, err := chart.ReadFile("README.md")
	if err != nil {
		return err
	}

	if derived["README.md"], err = withTable(readme, values.table()); err != nil {
		return fmt.Errorf("README.md: %w", err)
	}

	return nil
}

// removeStale removes templates that an earlier run generated and this one does not.
func removeStale(chart *os.Root, derived map[string][]byte) error {
	return fs.WalkDir(chart.FS(), "templates", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || derived[name] != nil {
			return err
		}

		text, err := chart.ReadFile(name)
		if err != nil || !bytes.HasPrefix(text, []byte(header)) {
			return err
		}

		return chart.Remove(name)
	})
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
