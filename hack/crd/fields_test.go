// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteFields(t *testing.T) {
	const definition = `
spec:
  group: example.com
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        properties:
          spec:
            description: spec is the desired state.
            required: [size]
            x-kubernetes-validations: [{rule: "true", message: a rule}]
            properties:
              size: {type: integer, description: "size is <big>.", minimum: 1, maximum: 67108864, default: 2}
              kinds:
                type: array
                maxItems: 3
                description: kinds are listed.
                items:
                  type: object
                  properties:
                    name: {type: string, description: name is a|b., enum: [a, b]}
              env:
                type: array
                description: env is of Kubernetes.
                items: {type: object, properties: {hidden: {type: string}}}
`

	folder := t.TempDir()
	file, page := filepath.Join(folder, "crd.yaml"), filepath.Join(folder, "fields.md")

	if err := os.WriteFile(file, []byte(definition), 0o600); err != nil {
		t.Fatal(err)
	}

	if err := writeFields(file, page); err != nil {
		t.Fatal(err)
	}

	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}

	for _, want := range []string{
		"## example.com/v1\n\n### spec\n\nspec is the desired state.\n\n- Rule: a rule\n",
		"| `size` | integer | size is &lt;big>. From 1 to 67108864. Defaults to `2`. **Required.** |\n",
		"| `kinds` | list of object | kinds are listed. At most 3 entries. |\n",
		"### spec.kinds[]\n",
		"| `name` | string | name is a\\|b. One of `a`, `b`. |\n",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}

	if strings.Contains(string(got), "hidden") {
		t.Error("the page has the fields of an object of Kubernetes")
	}
}
