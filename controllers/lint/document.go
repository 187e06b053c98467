// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// document is one object of a file.
type document struct {
	file   string
	line   int          // of its first field
	before int          // lines of the file before the lines that node counts
	node   *yamlv3.Node // for the lines of fields; nil if they are unknown
	object map[string]any

	defaultNamespace string
}

// documents returns the objects of a file, and a finding for each part that cannot be read. Objects that name no namespace
// are in the given one.
func documents(file File, namespace string) ([]document, []Finding) {
	var (
		all      []document
		findings []Finding
	)

	for _, part := range split(file.Data) {
		parsed, err := parse(file.Name, part)

		switch mentions := bytes.Contains(part.text, []byte(v1alpha1.Kind)); {
		case err == nil:
			for _, d := range parsed {
				d.defaultNamespace = namespace
				all = append(all, d)
			}
		case mentions || !file.Found:
			findings = append(findings, unreadable(file.Name, part, err))
		}
	}

	return all, findings
}

// part is a document of a file, before it is parsed.
type part struct {
	text   []byte
	before int // lines of the file before it
}

// split splits a file at the lines that start with ---, as kubectl does.
func split(data []byte) []part {
	var (
		parts []part
		now   part
		line  int
	)

	for text := range bytes.Lines(data) {
		line++

		if bytes.HasPrefix(text, []byte("---")) {
			parts = append(parts, now)
			now = part{before: line}

			continue
		}

		now.text = append(now.text, text...)
	}

	return append(parts, now)
}

// parse returns the objects of a part: none if it is empty, and those of a List. A List without objects is one itself: it is what
// kubectl get prints where there are none.
func parse(file string, p part) ([]document, error) {
	data, err := yaml.YAMLToJSONStrict(p.text)
	if err != nil {
		return nil, err
	}

	if string(data) == "null" {
		return nil, nil
	}

	d := document{
		file:   file,
		line:   p.before + 1,
		before: p.before,
	}
	if err := json.Unmarshal(data, &d.object); err != nil {
		return nil, errors.New("is not an object: an object has apiVersion, kind and metadata")
	}

	root := &yamlv3.Node{}
	if err := yamlv3.Unmarshal(p.text, root); err == nil && len(root.Content) == 1 {
		d.node = root.Content[0]
		d.line = p.before + d.node.Line
	}

	if d.kind() != (schema.GroupVersionKind{Version: "v1", Kind: "List"}) {
		return []document{d}, nil
	}

	all := items(d)
	if len(all) == 0 {
		all = []document{d}
	}

	return all, nil
}

// items returns the objects of a List.
func items(list document) []document {
	var all []document

	values, _ := list.object["items"].([]any)
	for i, value := range values {
		object, ok := value.(map[string]any)
		if !ok {
			continue
		}

		item := list
		item.object = object

		item.node = find(list.node, fmt.Sprintf("items[%d]", i))
		if item.node != nil {
			item.line = list.before + item.node.Line
		}

		all = append(all, item)
	}

	return all
}

// errorLine is how the YAML parser names the line of an error.
var errorLine = regexp.MustCompile(`line (\d+): `)

// unreadable returns the finding about a part that is not an object.
func unreadable(file string, p part, err error) Finding {
	message := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	message = strings.ReplaceAll(strings.TrimPrefix(message, "yaml: "), "unmarshal errors:\n  ", "")
	line := p.before + 1

	if match := errorLine.FindStringSubmatch(message); match != nil {
		number, _ := strconv.Atoi(match[1]) // digits
		line = p.before + number
		message = strings.Replace(message, match[0], "", 1)
	}

	finding := Finding{
		File:    file,
		Line:    line,
		Level:   LevelError,
		Message: "cannot be read: " + message,
	}
	if bytes.Contains(p.text, []byte("{{")) {
		finding.Fix = "if it is a template, check what it renders: helm template … | whatsapp-webhook lint -"
	}

	return finding
}

func (d document) kind() schema.GroupVersionKind {
	apiVersion, _ := d.object["apiVersion"].(string)
	kind, _ := d.object["kind"].(string)

	return schema.FromAPIVersionAndKind(apiVersion, kind)
}

// name returns the namespace and the name, for texts and comparisons.
func (d document) name() string {
	return d.namespace() + "/" + cmp.Or(d.metadata("name"), d.metadata("generateName"))
}

func (d document) namespace() string {
	return cmp.Or(d.metadata("namespace"), d.defaultNamespace)
}

func (d document) metadata(key string) string {
	metadata, _ := d.object["metadata"].(map[string]any)
	value, _ := metadata[key].(string)

	return value
}

// lineOf returns the line of a field, or of the nearest field above that is in the file.
func (d document) lineOf(field string) int {
	if node := find(d.node, field); node != nil && node != d.node {
		return d.before + node.Line
	}

	return d.line
}

// at returns a finding about a field.
func (d document) at(field string, level Level, message string) Finding {
	return Finding{
		File:     d.file,
		Line:     d.lineOf(field),
		Level:    level,
		Resource: d.name(),
		Field:    field,
		Message:  message,
	}
}
