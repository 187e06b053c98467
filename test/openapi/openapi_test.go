// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

func load(t *testing.T, name string) *Document {
	t.Helper()

	document, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}

	return document
}

func TestTheDocumentsAreValid(t *testing.T) {
	for _, name := range []string{BirdBridge, ReceiverAPI, ConsoleAPI} {
		loader := openapi3.NewLoader()
		loader.IsExternalRefsAllowed = true

		document, err := loader.LoadFromFile(filepath.Join(Folder("openapi"), name))
		if err != nil {
			t.Fatal(err)
		}

		if err := document.Validate(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}

		if document.OpenAPI < "3.1" {
			t.Errorf("%s is of OpenAPI %s, want 3.1", name, document.OpenAPI)
		}

		load(t, name)
	}
}

func TestEachTypeOfNoticeHasASchema(t *testing.T) {
	notices, err := LoadNotices()
	if err != nil {
		t.Fatal(err)
	}

	want := map[string]bool{"notice": true}
	for _, kind := range noticeTypes(t) {
		want[strings.TrimSuffix(kind, ".")] = true
	}

	got := map[string]bool{}
	for kind := range notices.schemas {
		got[kind] = true
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types (-receiver +schemas):\n%s", diff)
	}
}

// noticeTypes returns the types of notices that the receiver has constants for.
func noticeTypes(t *testing.T) []string {
	t.Helper()

	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(Folder(".."), "receiver", "notice", "notice.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}

	var types []string

	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !spec.Names[0].IsExported() {
			return true
		}

		if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, _ := strconv.Unquote(literal.Value) // the parser has read it
			types = append(types, text)
		}

		return true
	})

	return types
}
