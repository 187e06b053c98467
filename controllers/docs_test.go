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

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
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

// TestReasonsOfReadyAreDocumented compares the guide's table with what the operator sets beside Ready.
func TestReasonsOfReadyAreDocumented(t *testing.T) {
	t.Parallel()

	guide, err := os.ReadFile("../docs/resource.md")
	if err != nil {
		t.Fatal(err)
	}

	for reason, beside := range besideReady {
		if reason == v1alpha1.ReasonReady {
			continue
		}

		_, row, _ := strings.Cut(string(guide), "\n| `"+reason+"` | ")

		row, _, _ = strings.Cut(row, "\n")

		cell := "| |"
		if beside != "" {
			cell = "| `" + beside + "` |"
		}

		if !strings.HasSuffix(row, cell) {
			t.Errorf("the row of %s is %q, want %q at its end", reason, row, cell)
		}
	}
}
