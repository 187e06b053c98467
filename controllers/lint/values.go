// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	secretKind    = schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
	configMapKind = schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
)

// values are the Secrets and ConfigMaps of the files, by kind, namespace and name, with whether each key has a value. What
// the values are is not kept.
type values struct {
	keys   map[string]map[string]bool
	binary map[string]map[string]any // the entries of binaryData
	files  map[string]string
}

func newValues() *values {
	return &values{
		keys:   map[string]map[string]bool{},
		binary: map[string]map[string]any{},
		files:  map[string]string{},
	}
}

// add records a Secret or a ConfigMap. It returns a finding for each value of a Secret that is not in base64, unless SOPS has
// encrypted the values in the file.
func (v *values) add(d document) []Finding {
	kind := d.kind()
	if kind != secretKind && kind != configMapKind {
		return nil
	}

	var findings []Finding

	keys := map[string]bool{}
	_, encrypted := d.object["sops"]

	for _, field := range []string{"data", "stringData", "binaryData"} {
		entries, _ := d.object[field].(map[string]any)
		for key, value := range entries {
			text, _ := value.(string)
			keys[key] = strings.TrimSpace(text) != ""

			if kind != secretKind || field != "data" || encrypted {
				continue
			}

			if _, err := base64.StdEncoding.DecodeString(text); err != nil {
				finding := d.at("data["+key+"]", LevelError, "the value is not base64")
				finding.Fix = "move it to stringData, which takes it as it is"
				findings = append(findings, finding)
			}
		}
	}

	name := kind.Kind + " " + d.name()
	v.keys[name] = keys
	v.files[name] = d.file

	if kind == configMapKind {
		v.binary[name], _ = d.object["binaryData"].(map[string]any)
	}

	return findings
}

// missing returns a finding for each key that the resource refers to and that its Secret or ConfigMap lacks. Those that are
// not among the files may be in the cluster.
func (v *values) missing(r resource) []Finding {
	var findings []Finding

	for _, reference := range references("spec", r.object["spec"]) {
		name := reference.kind.Kind + " " + r.namespace() + "/" + reference.name

		keys, known := v.keys[name]
		if !known {
			continue
		}

		hasValue, found := keys[reference.key]
		_, isBinary := v.binary[name][reference.key]

		switch {
		case isBinary && reference.variable:
			finding := r.at(reference.path, LevelError, fmt.Sprintf("ConfigMap %s in %s has %q in binaryData, which no variable can get", reference.name, v.files[name], reference.key))
			finding.Fix = "move it to data"
			findings = append(findings, finding)
		case !found && len(keys) == 0 && v.files[name] == "":
		case !found:
			finding := r.at(reference.path, LevelError, fmt.Sprintf("%s %s in %s has no key %q", reference.kind.Kind, reference.name, v.files[name], reference.key))
			finding.Fix = "add it"

			if len(keys) > 0 {
				finding.Fix = "add it, or refer to one that it has: " + strings.Join(slices.Sorted(maps.Keys(keys)), ", ")
			}

			findings = append(findings, finding)
		case !hasValue:
			finding := r.at(reference.path, LevelError, fmt.Sprintf("the key %q of %s %s in %s is empty", reference.key, reference.kind.Kind, reference.name, v.files[name]))
			finding.Fix = "give it a value"
			findings = append(findings, finding)
		}
	}

	return findings
}

// reference is a reference of a resource to a key.
type reference struct {
	path     string
	kind     schema.GroupVersionKind
	name     string
	key      string
	variable bool // for the value of a variable, and not for a file
}

// references returns the references below a path. All fields that refer to a key are named after what they refer to.
func references(path string, node any) []reference {
	var all []reference

	switch node := node.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(node)) {
			below := path + "." + name
			all = append(all, to(below, name, node[name])...)
			all = append(all, references(below, node[name])...)
		}
	case []any:
		for i, element := range node {
			all = append(all, references(fmt.Sprintf("%s[%d]", path, i), element)...)
		}
	}

	return all
}

// to returns the references in the field of the name itself.
func to(path, field string, value any) []reference {
	if name, ok := value.(string); ok && field == "certificateSecretName" {
		return []reference{
			{path: path, kind: secretKind, name: name, key: "tls.crt"},
			{path: path, kind: secretKind, name: name, key: "tls.key"},
		}
	}

	var kind schema.GroupVersionKind

	switch {
	case strings.HasSuffix(field, "ecretRef"), strings.HasSuffix(field, "ecretRefs"), field == "secretKeyRef":
		kind = secretKind
	case strings.HasSuffix(field, "onfigMapRef"), field == "configMapKeyRef":
		kind = configMapKind
	default:
		return nil
	}

	elements, isList := value.([]any)
	if !isList {
		elements = []any{value}
	}

	var all []reference

	for i, element := range elements {
		at := path
		if isList {
			at = fmt.Sprintf("%s[%d]", path, i)
		}

		entry, _ := element.(map[string]any)
		name, _ := entry["name"].(string)
		key, _ := entry["key"].(string)
		optional, _ := entry["optional"].(bool)

		if name != "" && key != "" && !optional {
			all = append(all, reference{
				path:     at + ".key",
				kind:     kind,
				name:     name,
				key:      key,
				variable: strings.HasSuffix(field, "KeyRef"),
			})
		}
	}

	return all
}
