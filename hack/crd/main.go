// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command crd joins the lines of each paragraph in the descriptions of CustomResourceDefinitions. controller-gen keeps the
// line breaks of the Go comments, at which kubectl explain would break the lines of a sentence again. It also bounds the
// exponents of quantities, and can write a page that lists every field of one of the definitions.
package main

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 && len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: crd FOLDER [FILE PAGE]")
		os.Exit(2)
	}

	err := rewriteAll(os.Args[1])
	if err == nil && len(os.Args) == 4 {
		err = writeFields(os.Args[2], os.Args[3])
	}

	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// rewriteAll rewrites every YAML file in the folder.
func rewriteAll(name string) error {
	folder, err := os.OpenRoot(name)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { _ = folder.Close() }()

	files, err := fs.Glob(folder.FS(), "*.yaml")
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}

	for _, file := range files {
		if err := rewrite(folder, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}

	return nil
}

func rewrite(folder *os.Root, file string) error {
	data, err := folder.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}

	var definition map[string]any
	if err := yaml.Unmarshal(data, &definition); err != nil {
		return fmt.Errorf("parse: %w", err)
	}

	joinDescriptions(definition)
	boundQuantities(definition)

	data, err = yaml.Marshal(definition)
	if err != nil {
		return fmt.Errorf("marshal: %w", err)
	}

	if err := folder.WriteFile(file, append([]byte("---\n"), data...), 0o644); err != nil {
		return fmt.Errorf("write: %w", err)
	}

	return nil
}

// joinDescriptions joins the lines of every description below node. A property may be called description too.
func joinDescriptions(node any) {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if text, ok := value.(string); ok && key == "description" {
				node[key] = joined(text)
			}

			joinDescriptions(value)
		}
	case []any:
		for _, element := range node {
			joinDescriptions(element)
		}
	}
}

// The pattern of quantities: the one that controller-gen writes, and one whose exponent has two digits at most. Parsing a
// quantity computes the power of ten, which takes hours for nine digits, in the API server and in the operator.
const (
	anyQuantity     = `^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$`
	boundedQuantity = `^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$`
)

// boundQuantities bounds the exponent in every pattern of quantities below node.
func boundQuantities(node any) {
	switch node := node.(type) {
	case map[string]any:
		if node["pattern"] == anyQuantity {
			node["pattern"] = boundedQuantity
		}

		for _, value := range node {
			boundQuantities(value)
		}
	case []any:
		for _, element := range node {
			boundQuantities(element)
		}
	}
}

// ownLine matches the beginning of a line that starts something: an item of a list, or text that is indented.
var ownLine = regexp.MustCompile(`^([-*+#] |[0-9]+[.)] |\s|$)`)

// joined returns the text with a space in place of each line break within a paragraph.
func joined(text string) string {
	var (
		result strings.Builder
		before string
	)

	for i, line := range strings.Split(text, "\n") {
		switch {
		case i == 0:
		case before == "" || ownLine.MatchString(line):
			result.WriteByte('\n')
		default:
			result.WriteByte(' ')
		}

		result.WriteString(line)
		before = line
	}

	return result.String()
}
