// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"maps"
	"slices"
	"strconv"
)

func (r *reader) parameters(list node) ([]parameter, error) {
	values, _ := list.value.([]any)

	all := make([]parameter, 0, len(values))
	for i, value := range values {
		p, err := r.parameter(node{value: value, pointer: list.pointer + "/" + strconv.Itoa(i)})
		if err != nil {
			return nil, err
		}

		all = append(all, p)
	}

	return all, nil
}

// parameter returns a parameter or a header, whose name and place are outside of it.
func (r *reader) parameter(n node) (parameter, error) {
	fields, err := r.properties(n)
	if err != nil {
		return parameter{}, err
	}

	var p parameter

	p.name, _ = fields["name"].value.(string)
	p.in, _ = fields["in"].value.(string)
	p.required, _ = fields["required"].value.(bool)
	p.schema, err = r.compile(fields["schema"].pointer, false)

	return p, err
}

// security returns the headers of each alternative.
func (r *reader) security(value any) ([][]credential, error) {
	var all [][]credential

	alternatives, _ := value.([]any)
	for _, alternative := range alternatives {
		schemes, _ := alternative.(map[string]any)

		credentials := []credential{}

		for _, name := range slices.Sorted(maps.Keys(schemes)) {
			scheme, _, err := r.resolve(node{value: map[string]any{"$ref": "#/components/securitySchemes/" + escape(name)}})
			if err != nil {
				return nil, err
			}

			switch scheme["type"] {
			case "http":
				credentials = append(credentials, credential{header: "Authorization", prefix: "Bearer "})
			default:
				header, _ := scheme["name"].(string)
				prefix, _ := scheme["x-prefix"].(string)
				credentials = append(credentials, credential{header: header, prefix: prefix})
			}
		}

		all = append(all, credentials)
	}

	return all, nil
}
