// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

const fieldsHeader = `# Fields of WhatsAppWebhook

<!-- Written by 'make manifests' from the CustomResourceDefinition. Do not edit. -->

Every field of the resource, with its type, its limits and its default, as ` + "`kubectl explain`" + ` shows them.
[resource.md](resource.md) describes the objects, the status and the restarts.
`

// ofKubernetes are fields whose objects are those of Kubernetes, which its own reference describes.
var ofKubernetes = []string{"affinity", "egress", "env", "podSecurityContext", "securityContext", "topologySpreadConstraints", "webhookFrom"}

// writeFields writes a page with the fields of the CustomResourceDefinition in file.
func writeFields(file, page string) error {
	data, err := os.ReadFile(file) //nolint:gosec // a file of this repository
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}

	var definition apiextensions.CustomResourceDefinition
	if err := yaml.Unmarshal(data, &definition); err != nil {
		return fmt.Errorf("parse %s: %w", file, err)
	}

	var text strings.Builder

	text.WriteString(fieldsHeader)

	for _, version := range definition.Spec.Versions {
		fmt.Fprintf(&text, "\n## %s/%s\n", definition.Spec.Group, version.Name)

		for _, part := range []string{"spec", "status"} {
			schema := version.Schema.OpenAPIV3Schema.Properties[part]
			writeObject(&text, part, schema)
		}
	}

	if err := os.WriteFile(page, []byte(text.String()), 0o644); err != nil { //nolint:gosec // a page is public
		return fmt.Errorf("write: %w", err)
	}

	return nil
}

// writeObject writes a section for the object at path, and one for each object in it.
func writeObject(text *strings.Builder, path string, schema apiextensions.JSONSchemaProps) {
	fmt.Fprintf(text, "\n### %s\n\n", path)

	if schema.Description != "" {
		fmt.Fprintf(text, "%s\n\n", prose(schema.Description))
	}

	for _, rule := range schema.XValidations {
		if rule.Message != "" {
			fmt.Fprintf(text, "- Rule: %s\n", prose(rule.Message))
		}
	}

	if len(schema.XValidations) > 0 {
		text.WriteString("\n")
	}

	text.WriteString("| field | type | description |\n|---|---|---|\n")

	names := slices.Sorted(maps.Keys(schema.Properties))
	for _, name := range names {
		field := schema.Properties[name]

		required := ""
		if slices.Contains(schema.Required, name) {
			required = " **Required.**"
		}

		fmt.Fprintf(text, "| `%s` | %s | %s%s |\n", name, typeOf(field), cell(field), required)
	}

	for _, name := range names {
		suffix, field := element(schema.Properties[name])
		if len(field.Properties) > 0 && !slices.Contains(ofKubernetes, name) {
			writeObject(text, path+"."+name+suffix, field)
		}
	}
}

// element returns the schema of the objects in a list or a map, and how a path names one of them.
func element(schema apiextensions.JSONSchemaProps) (suffix string, of apiextensions.JSONSchemaProps) {
	switch {
	case schema.Items != nil && schema.Items.Schema != nil:
		return "[]", *schema.Items.Schema
	case schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil:
		return ".KEY", *schema.AdditionalProperties.Schema
	default:
		return "", schema
	}
}

func typeOf(schema apiextensions.JSONSchemaProps) string {
	suffix, of := element(schema)

	switch {
	case schema.XIntOrString:
		return "integer or string"
	case suffix == "[]":
		return "list of " + typeOf(of)
	case suffix != "":
		return "map of " + typeOf(of)
	case schema.Type == "":
		return "any"
	default:
		return schema.Type
	}
}

// cell returns the description of a field, its values, limits and default, for a cell of a table.
func cell(schema apiextensions.JSONSchemaProps) string {
	sentences := []string{prose(schema.Description)}

	var values []string

	for _, value := range schema.Enum {
		values = append(values, code(value.Raw))
	}

	if len(values) > 0 {
		sentences = append(sentences, "One of "+strings.Join(values, ", ")+".")
	}

	if schema.Minimum != nil && schema.Maximum != nil {
		sentences = append(sentences, fmt.Sprintf("From %s to %s.", decimal(*schema.Minimum), decimal(*schema.Maximum)))
	}

	if schema.MaxItems != nil {
		sentences = append(sentences, fmt.Sprintf("At most %d entries.", *schema.MaxItems))
	}

	if schema.Default != nil && !strings.Contains(schema.Description, "Defaults to") {
		sentences = append(sentences, "Defaults to "+code(schema.Default.Raw)+".")
	}

	for _, rule := range schema.XValidations {
		if rule.Message != "" && len(schema.Properties) == 0 {
			sentences = append(sentences, "Rule: "+rule.Message+".")
		}
	}

	return strings.TrimSpace(strings.ReplaceAll(strings.Join(sentences, " "), "|", `\|`))
}

// decimal returns a number without an exponent, as people write limits.
func decimal(number float64) string { return strconv.FormatFloat(number, 'f', -1, 64) }

// code returns a value of JSON as code. A string stands without its quotes.
func code(value []byte) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return "`" + text + "`"
	}

	return "`" + string(value) + "`"
}

// prose returns a description on one line, with what Markdown would read as HTML escaped.
func prose(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "<", "&lt;")
}
