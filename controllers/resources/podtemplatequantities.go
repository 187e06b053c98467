// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// longExponent matches a quantity whose exponent has more than two digits. The schema of the resource refuses it everywhere but
// in the patch: parsing it computes the power of ten, which takes hours for nine digits.
var longExponent = regexp.MustCompile(`[eE][+-]?[0-9]{3}`)

// checkQuantities returns an error for each quantity with a long exponent in the JSON of a value of a type.
func checkQuantities(path string, of reflect.Type, node any) error {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}

	if text, ok := node.(string); ok && of == reflect.TypeFor[resource.Quantity]() && longExponent.MatchString(text) {
		return fmt.Errorf("%s: must be a quantity whose exponent has 2 digits at most", path)
	}

	var errs []error

	switch node := node.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(node)) { // the same message in each reconciliation
			if field := typeOfField(of, key); field != nil {
				errs = append(errs, checkQuantities(strings.TrimPrefix(path+"."+key, "."), field, node[key]))
			}
		}
	case []any:
		if of.Kind() != reflect.Slice {
			return nil // the strict decoding says so
		}

		for i, value := range node {
			errs = append(errs, checkQuantities(fmt.Sprintf("%s[%d]", path, i), of.Elem(), value))
		}
	}

	return errors.Join(errs...)
}

// typeOfField returns the type of the value that a type has in JSON under a key, or nil if it has none.
func typeOfField(of reflect.Type, key string) reflect.Type {
	switch of.Kind() {
	case reflect.Map:
		return of.Elem()
	case reflect.Struct:
		for field := range of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")

			switch {
			case name == key:
				return field.Type
			case name == "" && field.Anonymous:
				if inline := typeOfField(field.Type, key); inline != nil {
					return inline
				}
			}
		}
	}

	return nil
}
