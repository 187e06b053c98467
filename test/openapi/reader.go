// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// reader reads the operations of one document.
type reader struct {
	address  string // of the document, for its compiler
	root     map[string]any
	compiler *jsonschema.Compiler
	strict   int // schemas for which no other properties are allowed
}

// node is a value of the document and its JSON pointer.
type node struct {
	value   any
	pointer string
}

// resolve follows the references of a node within the document.
func (r *reader) resolve(n node) (map[string]any, string, error) {
	for range 10 {
		object, ok := n.value.(map[string]any)
		if !ok {
			return nil, "", fmt.Errorf("%s is not an object", n.pointer)
		}

		ref, ok := object["$ref"].(string)
		if !ok {
			return object, n.pointer, nil
		}

		pointer, local := strings.CutPrefix(ref, "#")
		if !local {
			return nil, "", fmt.Errorf("%s is not within the document", ref)
		}

		var value any = r.root
		for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
			parent, _ := value.(map[string]any)
			if value, ok = parent[unescape(step)]; !ok {
				return nil, "", fmt.Errorf("there is no %s", ref)
			}
		}

		n = node{value: value, pointer: pointer}
	}

	return nil, "", errors.New("references go round in circles")
}

func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

func unescape(step string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
}

// properties returns the properties of an object, after its references.
func (r *reader) properties(n node) (map[string]node, error) {
	if n.value == nil {
		return nil, nil
	}

	object, pointer, err := r.resolve(n)
	if err != nil {
		return nil, err
	}

	nodes := map[string]node{}
	for key, value := range object {
		nodes[key] = node{value: value, pointer: pointer + "/" + escape(key)}
	}

	return nodes, nil
}

// pathItem returns the operations of a path.
func (r *reader) pathItem(path string, item node) ([]*operation, error) {
	fields, err := r.properties(item)
	if err != nil {
		return nil, err
	}

	var operations []*operation

	for _, key := range slices.Sorted(maps.Keys(methods)) {
		if fields[key].value == nil {
			continue
		}

		o, err := r.operation(fields[key], fields["parameters"], path != anyPath)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}

		o.method = methods[key]
		o.path = path
		operations = append(operations, o)
	}

	return operations, nil
}

// operation returns an operation. If strict, its requests have no properties that the document does not have.
func (r *reader) operation(n, shared node, strict bool) (*operation, error) {
	fields, err := r.properties(n)
	if err != nil {
		return nil, err
	}

	o := &operation{responses: map[string]*response{}}
	o.id, _ = fields["operationId"].value.(string)

	security := fields["security"].value
	if security == nil {
		security = r.root["security"]
	}

	if o.security, err = r.security(security); err != nil {
		return nil, err
	}

	for _, list := range []node{shared, fields["parameters"]} {
		parameters, err := r.parameters(list)
		if err != nil {
			return nil, err
		}

		o.parameters = append(o.parameters, parameters...)
	}

	body, err := r.properties(fields["requestBody"])
	if err != nil {
		return nil, err
	}

	if o.request, err = r.content(body["content"], strict); err != nil {
		return nil, err
	}

	responses, err := r.properties(fields["responses"])
	if err != nil {
		return nil, err
	}

	for status, n := range responses {
		if o.responses[status], err = r.response(n); err != nil {
			return nil, fmt.Errorf("response %s: %w", status, err)
		}
	}

	return o, nil
}

func (r *reader) response(n node) (*response, error) {
	fields, err := r.properties(n)
	if err != nil {
		return nil, err
	}

	all := &response{}
	all.mayBeEmpty, _ = fields["x-may-be-empty"].value.(bool)

	headers, err := r.properties(fields["headers"])
	if err != nil {
		return nil, err
	}

	for name, n := range headers {
		header, err := r.parameter(n)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", name, err)
		}

		header.name = name
		all.headers = append(all.headers, header)
	}

	all.content, err = r.content(fields["content"], false)

	return all, err
}

// content returns the schemas by media type. If strict, they allow no properties that the document does not have.
func (r *reader) content(n node, strict bool) (map[string]*jsonschema.Schema, error) {
	types, err := r.properties(n)
	if err != nil {
		return nil, err
	}

	schemas := map[string]*jsonschema.Schema{}

	for mediaType, n := range types {
		fields, err := r.properties(n)
		if err != nil {
			return nil, err
		}

		schema := fields["schema"]
		if mediaType == formData && schema.value != nil {
			parts, err := r.properties(schema)
			if err != nil {
				return nil, err
			}

			if parts, err = r.properties(parts["properties"]); err != nil {
				return nil, err
			}

			schema = parts["payload"] // the only part that is JSON
		}

		if schema.value == nil {
			schemas[mediaType] = nil
			continue
		}

		if schemas[mediaType], err = r.compile(schema.pointer, strict); err != nil {
			return nil, err
		}
	}

	return schemas, nil
}

func (r *reader) compile(pointer string, strict bool) (*jsonschema.Schema, error) {
	address := r.address + "#" + pointer
	if !strict {
		return r.compiler.Compile(address)
	}

	r.strict++
	wrapper := fmt.Sprintf("strict:///%d", r.strict)

	if err := r.compiler.AddResource(wrapper, map[string]any{"$ref": address, "unevaluatedProperties": false}); err != nil {
		return nil, err
	}

	return r.compiler.Compile(wrapper)
}
