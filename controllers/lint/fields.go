// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxPlaces bounds the places that are proposed for a field that is in the wrong one.
const maxPlaces = 3

// fields are the fields that the API has, with their texts, by their paths. The path of an element of a list ends with [].
type fields struct {
	texts map[string]string
}

func newFields(root *schema.Structural) *fields {
	f := &fields{texts: map[string]string{}}
	f.add("", root)

	return f
}

func (f *fields) add(path string, node *schema.Structural) {
	f.texts[path] = node.Description

	for name, property := range node.Properties {
		f.add(strings.TrimPrefix(path+"."+name, "."), &property)
	}

	if node.Items != nil {
		f.add(path+"[]", node.Items)
	}
}

// index matches the index of an element, or the key of an entry.
var index = regexp.MustCompile(`\[[^\]]*\]`)

// refused returns the findings about what the API server refuses.
func (f *fields) refused(d document, v validation) []Finding {
	var findings []Finding

	for _, path := range v.unknown {
		finding := d.at(path, LevelError, "unknown field")
		finding.Fix = f.proposal(path)
		findings = append(findings, finding)
	}

	for _, err := range v.errors {
		path := strings.TrimPrefix(err.Field, "<nil>")
		finding := d.at(path, LevelError, err.ErrorBody())

		// A rule about several fields is a rule of what holds them, and its text begins with the field to change.
		if named := f.named(err.Detail); strings.HasPrefix(named, path+".") {
			finding.Line = d.lineOf(named)
		}

		switch {
		case strings.Contains(err.Detail, "must be of type string"):
			finding.Fix = "put the value in quotes"
		case isTerse(err):
			finding.Fix = firstSentence(f.texts[index.ReplaceAllString(path, "[]")])
		}

		findings = append(findings, finding)
	}

	return findings
}

// isTerse reports whether the API server's message only names the fault. The rules of this API also name the fix.
func isTerse(err *field.Error) bool {
	switch err.Type {
	case field.ErrorTypeRequired:
		return err.Detail == ""
	case field.ErrorTypeInvalid:
		return strings.Contains(err.Detail, " in body ")
	case field.ErrorTypeForbidden:
		return false
	default:
		return true
	}
}

func firstSentence(text string) string {
	if sentence, _, more := strings.Cut(text, ". "); more {
		return sentence
	}

	return strings.TrimSuffix(text, ".")
}

// proposal returns the field that may be meant by an unknown one.
func (f *fields) proposal(path string) string {
	plain := index.ReplaceAllString(path, "[]")
	parent, name := cut(plain)

	var near, elsewhere []string

	for _, known := range slices.Sorted(maps.Keys(f.texts)) {
		above, knownName := cut(known)

		switch {
		case above == parent && knownName != "" && isNear(name, knownName):
			near = append(near, known)
		case knownName == name && strings.HasPrefix(known, "spec."):
			elsewhere = append(elsewhere, known)
		}
	}

	switch {
	case len(near) > 0:
		return "did you mean " + strings.Join(near, " or ") + "?"
	case len(elsewhere) > 0 && len(elsewhere) <= maxPlaces:
		return "did you mean " + strings.Join(elsewhere, " or ") + "?"
	default:
		return "kubectl explain whatsappwebhook." + strings.ReplaceAll(parent, "[]", "") + " lists the fields"
	}
}

// cut splits a path before its last field.
func cut(path string) (parent, name string) {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return path[:i], path[i+1:]
	}

	return "", path
}

// isNear reports whether a name may be another one with a typing error.
func isNear(name, other string) bool {
	name = strings.ToLower(name)
	other = strings.ToLower(other)

	if name == other {
		return true
	}

	return min(len(name), len(other)) > 3 && distance(name, other) <= 2
}

// distance returns the least number of bytes to insert, delete or replace to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}

	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1

		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}

			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}

	return row[len(b)]
}

// settingName matches the name of a setting at the start of an error of the receiver or of the builders.
var settingName = regexp.MustCompile(`^(?:spec\.)?([a-zA-Z]+(?:[.\[][a-zA-Z0-9.\[\]]+)?)[: ]`)

// unusable returns the findings about a resource that the API server accepts, and from which the operator renders nothing.
func (f *fields) unusable(d document, err error) []Finding {
	var findings []Finding

	for line := range strings.Lines(err.Error()) {
		message := strings.TrimSpace(strings.TrimPrefix(line, "the receiver would reject its configuration: "))
		finding := d.at(f.named(message), LevelError, fmt.Sprintf("the operator cannot use it: %s", message))
		findings = append(findings, finding)
	}

	return findings
}

// named returns the field that an error names, or the one above it that the API has.
func (f *fields) named(message string) string {
	match := settingName.FindStringSubmatch(message)
	if match == nil {
		return "spec"
	}

	path := "spec." + strings.TrimRight(match[1], ".")
	for path != "spec" {
		if _, known := f.texts[index.ReplaceAllString(path, "[]")]; known {
			return path
		}

		path, _ = cut(path)
	}

	return "spec"
}
