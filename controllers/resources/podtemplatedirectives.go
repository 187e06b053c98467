// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The directives of a strategic merge patch. A directive is a key that says how to merge the object around it, or the list
// of this object that is named after a slash.
//
// Source: https://github.com/kubernetes/community/blob/main/contributors/devel/sig-api-machinery/strategic-merge-patch.md
const (
	directivePatch       = "$patch"
	directiveRetainKeys  = "$retainKeys"
	directiveOrder       = "$setElementOrder/"
	directiveDeleteItems = "$deleteFromPrimitiveList/"
)

// checkDirectives returns the node of a patch without its directives, and an error that names each directive with a value
// that a merge does not expect. Other keys that begin with $ are fields.
func checkDirectives(path string, node any) (withoutDirectives any, err error) {
	switch node := node.(type) {
	case map[string]any:
		return checkDirectivesOfObject(path, node)
	case []any:
		var errs []error

		elements := make([]any, 0, len(node))

		for i, value := range node {
			element, err := checkDirectives(fmt.Sprintf("%s[%d]", path, i), value)
			elements = append(elements, element)
			errs = append(errs, err)
		}

		return elements, errors.Join(errs...)
	}

	return node, nil
}

func checkDirectivesOfObject(path string, node map[string]any) (withoutDirectives map[string]any, err error) {
	var errs []error

	fields := map[string]any{}

	for _, key := range slices.Sorted(maps.Keys(node)) {
		below := strings.TrimPrefix(path+"."+key, ".")

		if want, valid := directive(key); want != "" {
			if !valid(node[key]) {
				errs = append(errs, fmt.Errorf("%s: must be %s", below, want))
			}

			continue
		}

		field, err := checkDirectives(below, node[key])
		fields[key] = field

		errs = append(errs, err)
	}

	return fields, errors.Join(errs...)
}

// directive returns what the value of a directive must be, in words and as a check, or "" if the key is none.
func directive(key string) (want string, valid func(value any) bool) {
	switch {
	case key == directivePatch:
		return "delete or replace", isMergeMode
	case key == directiveRetainKeys || strings.HasPrefix(key, directiveDeleteItems):
		return "a list of strings", listOf(isString)
	case strings.HasPrefix(key, directiveOrder):
		return "a list of strings, or of objects with the name, path or port of an element", listOf(isElementKey)
	}

	return "", nil
}

func isMergeMode(value any) bool { return value == "delete" || value == "replace" }

func listOf(valid func(value any) bool) func(value any) bool {
	return func(value any) bool {
		list, ok := value.([]any)

		return ok && !slices.ContainsFunc(list, func(element any) bool { return !valid(element) })
	}
}

func isString(value any) bool {
	_, ok := value.(string)

	return ok
}

// isElementKey reports whether the value identifies an element of a list. A merge compares it with those of the elements.
func isElementKey(value any) bool {
	object, ok := value.(map[string]any)
	if !ok {
		return isString(value)
	}

	for _, key := range object {
		if _, number := key.(float64); !number && !isString(key) {
			return false
		}
	}

	return true
}
