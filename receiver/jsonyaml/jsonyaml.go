// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package jsonyaml writes JSON documents as YAML.
//
// A JSON document is not always YAML: JSON may escape a character as a pair of surrogates, as Meta does with emoji, and may hold
// characters that YAML has to escape. So the document is decoded, and its numbers keep their digits: a limit of bytes as a float would
// be 6.7108864e+07.
package jsonyaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Convert returns the first document of a text in JSON as YAML. Keys are sorted.
func Convert(text []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()

	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}

	var written bytes.Buffer

	encoder := yaml.NewEncoder(&written)
	encoder.SetIndent(2)

	if err := encoder.Encode(scalars(document)); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}

	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}

	return written.Bytes(), nil
}

// scalars returns a decoded document with numbers that are written with their digits, and texts that every reader of YAML takes.
func scalars(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = scalars(value[key])
		}
	case []any:
		for i := range value {
			value[i] = scalars(value[i])
		}
	case json.Number:
		// Without a tag: a reader takes a number that is too large for an integer as a float then, and would refuse it as an integer.
		return &yaml.Node{
			Kind:  yaml.ScalarNode,
			Value: value.String(),
		}
	case string:
		// The encoder writes lines as a block, in which some readers refuse a tab at the start.
		if strings.HasPrefix(value, "\t") {
			return &yaml.Node{
				Kind:  yaml.ScalarNode,
				Tag:   "!!str",
				Style: yaml.DoubleQuotedStyle,
				Value: value,
			}
		}
	}

	return value
}
