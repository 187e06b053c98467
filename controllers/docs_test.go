// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestConditionsAreDocumented checks that the guide names every type and reason of a condition.
func TestConditionsAreDocumented(t *testing.T) {
	t.Parallel()

	guide, err := os.ReadFile("../docs/resource.md")
	if err != nil {
		t.Fatal(err)
	}

	file, err := parser.ParseFile(token.NewFileSet(), "../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}

	found := 0
	ast.Inspect(file, func(node ast.Node) bool {
		literal, ok := node.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}

		found++

		value, err := strconv.Unquote(literal.Value)
		if err != nil || !strings.Contains(string(guide), "`"+value+"`") {
			t.Errorf("docs/resource.md lacks %s", literal.Value)
		}

		return true
	})

	if found < 20 {
		t.Errorf("found %d types and reasons, want at least 20", found)
	}
}
