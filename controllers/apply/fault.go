// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// fault is a field that the API server finds invalid.
type fault struct {
	names     []string // without the items of lists
	duplicate string   // how the API server names the value, if a second item of a list has it
}

var itemOfList = regexp.MustCompile(`\[[^\]]*\]`)

// faultsOf returns the fields that the API server rejected, or if beside is true the structs that they are in. A spec is never such a
// struct, since it has fields that have nothing to do with the fault.
func faultsOf(rejected error, beside bool) []fault {
	var status apierrors.APIStatus
	if !errors.As(rejected, &status) || status.Status().Details == nil {
		return nil
	}

	var faults []fault

	for _, cause := range status.Status().Details.Causes {
		names := strings.Split(itemOfList.ReplaceAllString(cause.Field, ""), ".")
		if names[0] == "" || names[0] == "metadata" {
			continue
		}

		f := fault{names: names}

		switch {
		case cause.Type == metav1.CauseTypeFieldValueDuplicate:
			f.duplicate = cause.Message
		case beside && len(names) > 1 && names[len(names)-2] != "spec":
			f.names = names[:len(names)-1]
		}

		faults = append(faults, f)
	}

	return faults
}

// isAtFault reports whether a field is one of the faults or below one. Items that other managers added to a list are not, unless
// they have the value of an item of the operator that must be unique.
func isAtFault(path fieldpath.Path, faults []fault, own *fieldpath.Set, object map[string]any) bool {
	var names []string

	for i, element := range path {
		switch {
		case element.FieldName != nil:
			names = append(names, *element.FieldName)
		case !ownsBelow(own, path[:i+1]):
			item, _ := valueAt(object, path[:i+1]).(map[string]any)

			return slices.ContainsFunc(faults, func(f fault) bool { return f.isDuplicate(names, item) })
		}
	}

	return slices.ContainsFunc(faults, func(f fault) bool {
		return len(names) >= len(f.names) && slices.Equal(names[:len(f.names)], f.names)
	})
}

// isDuplicate reports whether the item of a list has the value of another item.
func (f fault) isDuplicate(list []string, item map[string]any) bool {
	last := len(f.names) - 1

	return f.duplicate != "" && slices.Equal(list, f.names[:last]) &&
		strings.HasSuffix(f.duplicate, fmt.Sprintf(" %#v", item[f.names[last]]))
}

// valueAt returns the value of a field or of an item of a list, or nil.
func valueAt(object any, path fieldpath.Path) any {
	for _, element := range path {
		fields, _ := object.(map[string]any)
		items, _ := object.([]any)
		object = nil

		switch {
		case element.FieldName != nil:
			object = fields[*element.FieldName]
		case element.Key != nil:
			if i := slices.IndexFunc(items, func(item any) bool { return hasKey(item, *element.Key) }); i >= 0 {
				object = items[i]
			}
		}
	}

	return object
}

func hasKey(item any, key value.FieldList) bool {
	fields, _ := item.(map[string]any)

	return !slices.ContainsFunc(key, func(f value.Field) bool {
		return fmt.Sprint(fields[f.Name]) != fmt.Sprint(f.Value.Unstructured())
	})
}

// ownsBelow reports whether the set has the item of a list or a field of it.
func ownsBelow(set *fieldpath.Set, item fieldpath.Path) bool {
	if set.Has(item) {
		return true
	}

	for _, element := range item {
		set = set.WithPrefix(element)
	}

	return !set.Empty()
}
