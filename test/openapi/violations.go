// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// describe returns an error that names the places of violations, and the violated keywords, without the values.
func describe(what string, err error) error {
	if err == nil {
		return nil
	}

	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return fmt.Errorf("%s: %w", what, err)
	}

	var violations []*jsonschema.ValidationError

	collect(invalid, &violations)

	if others := slices.DeleteFunc(slices.Clone(violations), isUnknownProperty); len(others) > 0 {
		violations = others // with another violation, all properties seem to be unknown
	}

	deepest := 0
	for _, v := range violations {
		deepest = max(deepest, len(v.InstanceLocation))
	}

	var places []string

	for _, v := range violations {
		if len(v.InstanceLocation) == deepest && len(places) < maxPlaces {
			places = append(places, place(v))
		}
	}

	return fmt.Errorf("%s: %s", what, strings.Join(places, "; "))
}

// maxPlaces bounds the places that an error names.
const maxPlaces = 12

// collect lists the innermost violations.
func collect(invalid *jsonschema.ValidationError, violations *[]*jsonschema.ValidationError) {
	causes := invalid.Causes

	switch invalid.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		causes = likely(causes)
	}

	if len(causes) == 0 {
		*violations = append(*violations, invalid)
	}

	for _, cause := range causes {
		collect(cause, violations)
	}
}

// isUnknownProperty reports whether a violation is only that the document does not have a property.
func isUnknownProperty(invalid *jsonschema.ValidationError) bool {
	return strings.HasSuffix(invalid.SchemaURL, "#/unevaluatedProperties")
}

func place(invalid *jsonschema.ValidationError) string {
	at := "/" + strings.Join(invalid.InstanceLocation, "/")
	if isUnknownProperty(invalid) {
		return at + " is not in the document"
	}

	_, schema, _ := strings.Cut(invalid.SchemaURL, "#")

	return fmt.Sprintf("%s violates %s of %s", at, strings.Join(invalid.ErrorKind.KeywordPath(), "/"), schema)
}

// likely returns the alternatives whose constants and types the value has: that it is not an alternative of another kind says
// nothing.
func likely(alternatives []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	var differs func(*jsonschema.ValidationError) bool

	differs = func(invalid *jsonschema.ValidationError) bool {
		switch invalid.ErrorKind.(type) {
		case *kind.Const, *kind.Enum, *kind.Type:
			return true
		case *kind.AnyOf, *kind.OneOf:
			return len(likely(invalid.Causes)) == 0
		}

		return slices.ContainsFunc(invalid.Causes, differs)
	}

	return slices.DeleteFunc(slices.Clone(alternatives), differs)
}
