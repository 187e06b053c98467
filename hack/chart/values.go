// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is a key of values.yaml. The comment above it is its description. A line of the comment that begins with @schema
// holds keywords of JSON Schema that the default does not imply. A mapping is a group of values, unless its keywords have
// additionalProperties and its keys have no comments: then it is a single value.
//
//	# How much is logged.
//	# @schema {enum: [debug, info]}
//	logLevel: info
type value struct {
	path        string
	description string
	keywords    map[string]any
	preset      any
	// children holds the keys of a mapping with fixed keys, in order.
	children []value
}

// parseValues returns the root of values.yaml.
func parseValues(text []byte) (value, error) {
	document := &yaml.Node{}
	if err := yaml.Unmarshal(text, document); err != nil {
		return value{}, err
	}

	if len(document.Content) == 0 || document.Content[0].Kind != yaml.MappingNode {
		return value{}, errors.New("not a mapping")
	}

	root := value{description: "The values of the chart."}
	err := root.descend(document.Content[0])

	return root, err
}

func (v *value) descend(mapping *yaml.Node) error {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key := mapping.Content[i]
		node := mapping.Content[i+1]

		child := value{path: strings.TrimPrefix(v.path+"."+key.Value, ".")}
		if err := errors.Join(child.comment(key.HeadComment), node.Decode(&child.preset)); err != nil {
			return fmt.Errorf("line %d: %s: %w", key.Line, child.path, err)
		}

		if child.description == "" {
			return fmt.Errorf("line %d: %s has no comment", key.Line, child.path)
		}

		_, open := child.keywords["additionalProperties"]
		commented := len(node.Content) > 0 && node.Content[0].HeadComment != ""

		if node.Kind == yaml.MappingNode && (commented || !open) {
			if err := child.descend(node); err != nil {
				return err
			}
		}

		v.children = append(v.children, child)
	}

	return nil
}

func (v *value) comment(comment string) error {
	var description []string
	for line := range strings.Lines(comment) {
		line = strings.TrimSpace(strings.TrimPrefix(line, "#"))

		keywords, found := strings.CutPrefix(line, "@schema ")
		if !found {
			description = append(description, line)
			continue
		}

		if err := yaml.Unmarshal([]byte(keywords), &v.keywords); err != nil {
			return fmt.Errorf("@schema: %w", err)
		}
	}

	v.description = strings.Join(description, " ")

	return nil
}

// schema returns the JSON Schema by which Helm checks the values of a release.
func (v value) schema() ([]byte, error) {
	root, err := v.keywordsOf()
	if err != nil {
		return nil, err
	}

	root["$schema"] = "http://json-schema.org/draft-07/schema#"

	var b bytes.Buffer

	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(root)

	return b.Bytes(), err
}

// keywordsOf returns the keywords for one value. The schema rejects unknown keys, to catch misspellings.
func (v value) keywordsOf() (map[string]any, error) {
	keywords := map[string]any{}
	if v.description != "" {
		keywords["description"] = v.description
	}

	if v.children != nil {
		properties := make(map[string]any, len(v.children))
		for _, child := range v.children {
			property, err := child.keywordsOf()
			if err != nil {
				return nil, err
			}

			properties[child.path[strings.LastIndex(child.path, ".")+1:]] = property
		}

		keywords["type"] = "object"
		keywords["properties"] = properties
		keywords["additionalProperties"] = false
		maps.Copy(keywords, v.keywords)

		return keywords, nil
	}

	keywords["default"] = v.preset

	missing := ""
	switch v.preset.(type) {
	case string:
		keywords["type"] = "string"
	case bool:
		keywords["type"] = "boolean"
	case int:
		keywords["type"] = "integer"
	case []any:
		keywords["type"] = "array"
		missing = "items"
	case map[string]any:
		keywords["type"] = "object"
		missing = "additionalProperties"
	default:
		missing = "type"
	}

	maps.Copy(keywords, v.keywords)

	if _, found := keywords[missing]; missing != "" && !found {
		return nil, fmt.Errorf("%s: its default does not imply %s; add it in an @schema line", v.path, missing)
	}

	return keywords, nil
}

// table returns the values as a table of Markdown.
func (v value) table() []byte {
	var b bytes.Buffer
	b.WriteString("| Value | Default | |\n|---|---|---|\n")
	v.rows(&b)

	return b.Bytes()
}

func (v value) rows(b *bytes.Buffer) {
	for _, child := range v.children {
		child.rows(b)
	}

	if v.children != nil {
		return
	}

	preset, err := json.Marshal(v.preset)
	if err != nil {
		preset = []byte("?")
	}

	fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", v.path, preset, strings.ReplaceAll(v.description, "|", `\|`))
}
