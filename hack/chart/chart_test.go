// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValues(t *testing.T) {
	const text = `
# How many.
# @schema {minimum: 0}
replicas: 1

# Where it runs from.
image:
  # Where it is,
  # or a | b.
  tag: ""

# A group that a parent chart adds to.
# @schema {additionalProperties: true}
global:
  # One key.
  known: ""

# Open to any key.
# @schema {additionalProperties: {type: string}}
labels: {}

# A list.
# @schema {items: {type: string}}
list: [a]
`

	values, err := parseValues([]byte(text))
	if err != nil {
		t.Fatal(err)
	}

	schema, err := values.schema()
	if err != nil {
		t.Fatal(err)
	}

	wantSchema := `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "additionalProperties": false,
  "description": "The values of the chart.",
  "properties": {
    "global": {
      "additionalProperties": true,
      "description": "A group that a parent chart adds to.",
      "properties": {
        "known": {
          "default": "",
          "description": "One key.",
          "type": "string"
        }
      },
      "type": "object"
    },
    "image": {
      "additionalProperties": false,
      "description": "Where it runs from.",
      "properties": {
        "tag": {
          "default": "",
          "description": "Where it is, or a | b.",
          "type": "string"
        }
      },
      "type": "object"
    },
    "labels": {
      "additionalProperties": {
        "type": "string"
      },
      "default": {},
      "description": "Open to any key.",
      "type": "object"
    },
    "list": {
      "default": [
        "a"
      ],
      "description": "A list.",
      "items": {
        "type": "string"
      },
      "type": "array"
    },
    "replicas": {
      "default": 1,
      "description": "How many.",
      "minimum": 0,
      "type": "integer"
    }
  },
  "type": "object"
}
`
	if diff := cmp.Diff(wantSchema, string(schema)); diff != "" {
		t.Errorf("the schema (-want +got):\n%s", diff)
	}

	wantTable := "| Value | Default | |\n|---|---|---|\n" +
		"| `replicas` | `1` | How many. |\n" +
		"| `image.tag` | `\"\"` | Where it is, or a \\| b. |\n" +
		"| `global.known` | `\"\"` | One key. |\n" +
		"| `labels` | `{}` | Open to any key. |\n" +
		"| `list` | `[\"a\"]` | A list. |\n"
	if diff := cmp.Diff(wantTable, string(values.table())); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
}

func TestIncompleteValues(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "not a mapping",
		"- a":                         "not a mapping",
		"a: 1":                        "line 1: a has no comment",
		"a:\n  # B.\n  b: 1":          "line 1: a has no comment",
		"# A.\na:\n  b: 1":            "line 3: a.b has no comment",
		"# A.\na: []":                 "a: its default does not imply items",
		"# A.\na: null":               "a: its default does not imply type",
		"# A.\n# @schema {x\na: 1":    "line 3: a: @schema",
		"# A.\na: {}":                 "a: its default does not imply additionalProperties",
		"# A.\n# @schema [1]\na: [1]": "line 3: a: @schema",
	} {
		values, err := parseValues([]byte(text))
		if err == nil {
			_, err = values.schema()
		}

		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q", text, err, want)
		}
	}
}

func TestRun(t *testing.T) {
	chart := t.TempDir()

	write := func(name, text string) {
		t.Helper()

		if err := os.WriteFile(filepath.Join(chart, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		t.Helper()

		text, err := os.ReadFile(filepath.Join(chart, name))
		if err != nil {
			t.Fatal(err)
		}

		return string(text)
	}

	const (
		begin = "before\n<!-- begin of the values, written by hack/chart -->\n"
		end   = "<!-- end of the values -->\nafter\n"
	)

	write("values.yaml", "# A.\na: 1\n")
	write("README.md", begin+"old\n"+end)

	if err := run(chart); err != nil {
		t.Fatal(err)
	}

	const table = "| Value | Default | |\n|---|---|---|\n| `a` | `1` | A. |\n"
	if diff := cmp.Diff(begin+table+end, read("README.md")); diff != "" {
		t.Errorf("the README (-want +got):\n%s", diff)
	}

	schema := read("values.schema.json")
	if !strings.Contains(schema, `"description": "A."`) {
		t.Errorf("the schema is %s", schema)
	}

	write("values.yaml", "a: 2\n")

	if err := run(chart); err == nil || !strings.Contains(err.Error(), "a has no comment") {
		t.Errorf("the error is %v, want one about the comment", err)
	}

	if after := read("values.schema.json"); after != schema {
		t.Errorf("values without comments changed the schema to %s", after)
	}
}
