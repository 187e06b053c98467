// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

const root = "../../.."

// compile returns the schema of the WhatsAppWebhook, as a program for JSON Schema reads it.
func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()

	crd, err := os.ReadFile(root + "/config/crd/bases/whatsapp.wawebhook.dev_whatsappwebhooks.yaml")
	if err != nil {
		t.Fatal(err)
	}

	schemas, err := Convert(crd)
	if err != nil {
		t.Fatal(err)
	}

	const name = "whatsappwebhook_v1alpha1.json"
	if names := slices.Collect(maps.Keys(schemas)); len(names) != 1 || names[0] != name {
		t.Fatalf("the schemas are %q, want %s", names, name)
	}

	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemas[name]))
	if err != nil {
		t.Fatal(err)
	}

	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name, document); err != nil {
		t.Fatal(err)
	}

	compiled, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}

	return compiled
}

// resources returns the resources of a file.
func resources(t *testing.T, text []byte) []map[string]any {
	t.Helper()

	var all []map[string]any

	for document := range strings.SplitSeq("\n"+string(text), "\n---") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}

		if object["kind"] == "WhatsAppWebhook" {
			all = append(all, object)
		}
	}

	return all
}

func TestSamplesAreValid(t *testing.T) {
	schema := compile(t)

	files, err := filepath.Glob(root + "/config/samples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}

	validated := 0

	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		for _, resource := range resources(t, text) {
			validated++

			if err := schema.Validate(resource); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}

	if validated == 0 {
		t.Error("there is no sample")
	}
}

func TestMistakesAreFound(t *testing.T) {
	schema := compile(t)

	const valid = `apiVersion: whatsapp.wawebhook.dev/v1alpha1
kind: WhatsAppWebhook
metadata: {name: sales}
spec:
  cloudAPI:
    accessTokenSecretRef: {name: s, key: access-token}
    appSecretSecretRefs: [{name: s, key: app-secret}]
    verifyTokenSecretRef: {name: s, key: verify-token}
  bird:
    baseURL: https://bridge.example.com
    accessKeySecretRef: {name: s, key: access-key}
  receiver: {replicas: 1, resources: {limits: {cpu: 1, memory: 128Mi}}}
`

	for name, test := range map[string]struct {
		old, replacement string
		valid            bool
	}{
		"valid":                 {valid: true},
		"unknown key of spec":   {old: "  bird:\n", replacement: "  brid: {}\n  bird:\n"},
		"unknown key below":     {old: "baseURL:", replacement: "baseUrl:"},
		"unknown key in a list": {old: "[{name: s,", replacement: "[{name: s, naam: s,"},
		"unknown key on top":    {old: "spec:\n", replacement: "specs: {}\nspec:\n"},
		"other kind":            {old: "kind: WhatsAppWebhook", replacement: "kind: WhatsappWebhook"},
		"other version":         {old: "v1alpha1", replacement: "v1"},
		"wrong type":            {old: "replicas: 1", replacement: `replicas: "1"`},
	} {
		t.Run(name, func(t *testing.T) {
			var resource any
			if err := yaml.Unmarshal([]byte(strings.Replace(valid, test.old, test.replacement, 1)), &resource); err != nil {
				t.Fatal(err)
			}

			if err := schema.Validate(resource); (err == nil) != test.valid {
				t.Errorf("valid %t, want %t: %v", err == nil, test.valid, err)
			}
		})
	}
}

func TestUnusableDefinitions(t *testing.T) {
	for name, text := range map[string]string{
		"no YAML":       "\t",
		"no versions":   "spec: {names: {kind: A}}",
		"no properties": "spec: {versions: [{name: v1, schema: {openAPIV3Schema: {type: object}}}]}",
	} {
		if _, err := Convert([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
