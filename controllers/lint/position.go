// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"regexp"
	"strconv"

	yamlv3 "go.yaml.in/yaml/v3"
)

// step matches a step of the path of a field: a name, an index or a key in brackets.
var step = regexp.MustCompile(`\[([^\]]*)\]|[^.\[]+`)

// find returns the node at the path of a field, such as spec.bird.endpoints[0].path: the name of a field of an object, or
// the element of a list. If there is none, it returns the nearest one above, and nil only if root is nil.
func find(root *yamlv3.Node, path string) *yamlv3.Node {
	found := root
	value := root

	for _, match := range step.FindAllStringSubmatch(path, -1) {
		for value != nil && value.Kind == yamlv3.AliasNode {
			value = value.Alias
		}

		if value == nil {
			break
		}

		name := match[0]
		if name[0] == '[' {
			name = match[1]
		}

		position, next := child(value, name)
		if next == nil {
			break
		}

		found = position
		value = next
	}

	return found
}

// child returns where a field or an element is, and its value. Both are nil if there is none.
func child(of *yamlv3.Node, name string) (position, value *yamlv3.Node) {
	switch of.Kind {
	case yamlv3.MappingNode:
		for i := 0; i+1 < len(of.Content); i += 2 {
			if of.Content[i].Value == name {
				return of.Content[i], of.Content[i+1]
			}
		}
	case yamlv3.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(of.Content) {
			return of.Content[i], of.Content[i]
		}
	}

	return nil, nil
}
