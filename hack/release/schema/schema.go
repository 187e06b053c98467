// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package schema writes the JSON Schemas of a CustomResourceDefinition, for kubeconform and for editors. They are as strict as
// those of kubeconform's converter: an unknown key is an error.
package schema

import (
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

type definition struct {
	Spec struct {
		Group string `json:"group"`
		Names struct {
			Kind string `json:"kind"`
		} `json:"names"`
		Versions []struct {
			Name   string `json:"name"`
			Schema struct {
				Object map[string]any `json:"openAPIV3Schema"`
			} `json:"schema"`
		} `json:"versions"`
	} `json:"spec"`
}

// Convert returns a schema for each version of a CustomResourceDefinition. The name of each is KIND_VERSION.json in lower case,
// which kubeconform finds with -schema-location '…/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json'.
func Convert(crd []byte) (map[string][]byte, error) {
	var d definition
	if err := yaml.Unmarshal(crd, &d); err != nil {
		return nil, fmt.Errorf("decode the CustomResourceDefinition: %w", err)
	}

	schemas := map[string][]byte{}

	for _, version := range d.Spec.Versions {
		object := version.Schema.Object
		strict(object)

		object["$schema"] = "http://json-schema.org/draft-07/schema#"

		properties, ok := object["properties"].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("the version %s of %s has no properties", version.Name, d.Spec.Names.Kind)
		}

		object["required"] = required(object["required"], "apiVersion", "kind")
		properties["apiVersion"] = map[string]any{"type": "string", "const": d.Spec.Group + "/" + version.Name}
		properties["kind"] = map[string]any{"type": "string", "const": d.Spec.Names.Kind}

		text, err := json.MarshalIndent(object, "", "  ")
		if err != nil {
			return nil, err
		}

		schemas[strings.ToLower(d.Spec.Names.Kind+"_"+version.Name)+".json"] = append(text, '\n')
	}

	if len(schemas) == 0 {
		return nil, fmt.Errorf("the CustomResourceDefinition of %q has no versions", d.Spec.Names.Kind)
	}

	return schemas, nil
}

func required(names any, more ...string) []any {
	all, _ := names.([]any)
	for _, name := range more {
		all = append(all, name)
	}

	return all
}

// strict rejects unknown keys in every object whose keys are listed, and removes what JSON Schema does not know.
func strict(node any) {
	switch value := node.(type) {
	case []any:
		for _, item := range value {
			strict(item)
		}
	case map[string]any:
		strictObject(value)
	}
}

func strictObject(object map[string]any) {
	properties, _ := object["properties"].(map[string]any)
	_, open := object["additionalProperties"]

	if len(properties) > 0 && !open && object["x-kubernetes-preserve-unknown-fields"] != true {
		object["additionalProperties"] = false
	}

	if object["x-kubernetes-int-or-string"] == true {
		delete(object, "anyOf")

		object["type"] = []any{"integer", "string"}
	}

	if name, ok := object["type"].(string); ok && object["nullable"] == true {
		object["type"] = []any{name, "null"}
	}

	delete(object, "nullable")

	for key := range object {
		if strings.HasPrefix(key, "x-kubernetes-") {
			delete(object, key)
		}
	}

	// A property may have the name of a keyword, so properties are not searched as a schema.
	for _, property := range properties {
		strict(property)
	}

	for _, key := range []string{"items", "additionalProperties", "not", "allOf", "anyOf", "oneOf"} {
		strict(object[key])
	}
}
