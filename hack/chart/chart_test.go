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

const configMap = `apiVersion: v1
kind: ConfigMap
metadata:
  labels:
    app.kubernetes.io/name: whatsapp-webhook-operator
  name: whatsapp-webhook-operator-example
  namespace: whatsapp-webhook-system
data:
  braces: '{{ not for Helm }}'
  list:
  - a
  - b
`

func TestEdits(t *testing.T) {
	objects, err := readObjects(strings.NewReader(configMap))
	if err != nil {
		t.Fatal(err)
	}

	o := objects["ConfigMap example"]
	common(o)
	o.set("{{ .Values.b }}", "data", "list", "1")
	o.optional("more", ".Values.more", "data")

	got, err := o.template()
	if err != nil {
		t.Fatal(err)
	}

	want := `apiVersion: v1
kind: ConfigMap
metadata:
  labels:
    {{- include "whatsapp-webhook-operator.labels" $ | nindent 4 }}
  name: {{ include "whatsapp-webhook-operator.fullname" $ }}-example
  namespace: {{ $.Release.Namespace | quote }}
data:
  braces: '{{ "{{" }} not for Helm }}'
  list:
  - a
  - {{ .Values.b }}
  {{- with .Values.more }}
  more:
    {{- toYaml . | nindent 4 }}
  {{- end }}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestConfigThatChanged checks that objects and fields that config/ has lost or gained cause an error, rather than a chart
// without them.
func TestConfigThatChanged(t *testing.T) {
	config, err := os.ReadFile("testdata/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// If old is empty, changed is put before the rest.
	for name, test := range map[string]struct{ old, changed, want string }{
		"unchanged":  {"", "", ""},
		"new object": {"", configMap + "---\n", "objects that the chart lacks: ConfigMap example"},
		"object removed": {
			"kind: ServiceAccount\nmetadata:", "kind: Namespace\nmetadata:",
			"no longer has ServiceAccount manager",
		},
		"argument removed":        {"- --leader-elect\n", "- --elect\n", "no --leader-elect"},
		"field removed":           {"replicas: 1", "paused: true", "no spec.replicas"},
		"field that a value sets": {"      terminationGracePeriodSeconds: 10", "      volumes: []", "spec.template.spec.volumes exists"},
		"label removed":           {"      app.kubernetes.io/name: whatsapp-webhook-operator\n  template:", "  template:", "no spec.selector.matchLabels.app.kubernetes.io/name"},
		"other prefix":            {"name: whatsapp-webhook-operator-leader-election", "name: leader-election", "does not begin with whatsapp-webhook-operator-"},
		"ports changed":           {"name: metrics\n          protocol: TCP", "name: more\n          protocol: TCP", "want two ports, metrics first"},
		"no objects":              {string(config), "", "no objects"},
		"no YAML":                 {string(config), "\tx", "yaml"},
		"object without metadata": {string(config), "kind: X\n", "no metadata.name"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := test.changed + string(config)
			if test.old != "" {
				if !strings.Contains(string(config), test.old) {
					t.Fatalf("testdata/config.yaml does not have %q", test.old)
				}

				changed = strings.Replace(string(config), test.old, test.changed, 1)
			}

			objects, err := readObjects(strings.NewReader(changed))
			if err == nil {
				_, err = renderTemplates(objects)
			}

			if test.want == "" {
				if err != nil {
					t.Errorf("unexpected error: %v", err)
				}
			} else if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

func TestValues(t *testing.T) {
	const text = `
# How many.
# @schema {minimum: 0}
replicas: 1

image:
  # Where it is,
  # or a | b.
  tag: ""

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
    "image": {
      "additionalProperties": false,
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

func TestRunReplacesStaleFiles(t *testing.T) {
	chart := t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(chart, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}

		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("values.yaml", "# A.\na: 1\n")
	write("README.md", "before\n<!-- begin of the values, written by hack/chart -->\nold\n<!-- end of the values -->\nafter\n")
	write("templates/by-hand.yaml", "kept")
	write("templates/gone/by-us.yaml", header+"stale")

	config, err := os.Open("testdata/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer config.Close()

	if err := run(chart, config); err != nil {
		t.Fatal(err)
	}

	got := map[string]bool{}
	if err := filepath.WalkDir(filepath.Join(chart, "templates"), func(file string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			got[strings.TrimPrefix(file, filepath.Join(chart, "templates")+"/")] = true
		}

		return err
	}); err != nil {
		t.Fatal(err)
	}

	want := map[string]bool{"by-hand.yaml": true}
	for _, template := range templates {
		want[template.file] = true
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the templates (-want +got):\n%s", diff)
	}

	readme, err := os.ReadFile(filepath.Join(chart, "README.md"))
	if err != nil {
		t.Fatal(err)
	}

	wantReadme := "before\n<!-- begin of the values, written by hack/chart -->\n| Value | Default | |\n|---|---|---|\n| `a` | `1` | A. |\n<!-- end of the values -->\nafter\n"
	if diff := cmp.Diff(wantReadme, string(readme)); diff != "" {
		t.Errorf("the README (-want +got):\n%s", diff)
	}
}
