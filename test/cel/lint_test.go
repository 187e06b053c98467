// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/controllers/lint"
)

// TestLintJudgesAsTheServer checks each resource with the linter, which has no cluster, and with the API server. Both say the
// same about the same fields.
func TestLintJudgesAsTheServer(t *testing.T) {
	t.Parallel()

	linter, err := lint.New("")
	if err != nil {
		t.Fatal(err)
	}

	namespace := server.NewNamespace(t)

	compare := func(t *testing.T, object *unstructured.Unstructured) {
		t.Helper()
		object.SetNamespace(namespace)

		refused := refusals(t, strict().Create(t.Context(), object.DeepCopy(), client.DryRunAll))
		found := findings(t, linter, object)

		// The server stops at the first kind of problem: it checks no field of an object that has unknown ones.
		if slices.ContainsFunc(refused, isUnknown) {
			found = slices.DeleteFunc(found, func(finding string) bool { return !isUnknown(finding) })
		}

		if diff := cmp.Diff(refused, found); diff != "" {
			t.Errorf("(-server +lint):\n%s", diff)
		}
	}

	for _, test := range specCases() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			compare(t, newObject(v1alpha1.SchemeGroupVersion, namespace, test.spec))
		})
	}

	for _, test := range updateCases() {
		t.Run(test.before+" to "+test.after, func(t *testing.T) {
			t.Parallel()
			compare(t, newObject(v1alpha1.SchemeGroupVersion, namespace, specOf(test.before, test.after)))
		})
	}

	for name, spec := range map[string]map[string]any{
		"unknown fields":         specOf(`{receiver: {nodeSelektor: {}}, host: a.example.com, bird: {endpoints: [{method: ParseDocument, paht: /a}]}}`),
		"unknown below a patch":  specOf(`{receiver: {podTemplatePatch: {spec: {unknown: field}}}}`),
		"several wrong fields":   specOf(`{bird: {protocol: Other, baseURL: 7}, receiver: {replicas: -1}}`),
		"a list for an object":   specOf(`{receiver: []}`),
		"an explicit null":       {"cloudAPI": specOf("{}")["cloudAPI"], "bird": nil},
		"a number for a text":    specOf(`{cloudAPI: {version: 27.0}}`),
		"a quantity of nonsense": specOf(`{store: {embedded: {size: much}}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compare(t, newObject(v1alpha1.SchemeGroupVersion, namespace, spec))
		})
	}

	for name, metadata := range map[string]string{
		"no name":                      `{}`,
		"an invalid name":              `{name: Sales_1}`,
		"an invalid label":             `{name: sales, labels: {a/b/c: "1"}}`,
		"an unknown field of metadata": `{name: sales, label: {}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			object := newObject(v1alpha1.SchemeGroupVersion, namespace, specOf("{}"))
			object.Object["metadata"] = tree(metadata)
			compare(t, object)
		})
	}

	for _, pattern := range []string{root + "/config/samples/*.yaml", root + "/config/samples/*/*.yaml", root + "/controllers/resources/testdata/*/in.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", pattern, err)
		}

		for _, file := range files {
			for _, object := range readObjects(t, file) {
				if object.GetKind() == v1alpha1.Kind {
					t.Run(file, func(t *testing.T) {
						t.Parallel()
						compare(t, object)
					})
				}
			}
		}
	}
}

func isUnknown(refusal string) bool { return strings.HasSuffix(refusal, ": unknown field") }

var unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)

// refusals returns what the API server says about each field.
func refusals(t *testing.T, err error) []string {
	t.Helper()

	var all []string

	if err == nil {
		return all
	}

	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok {
		t.Fatal(err)
	}

	for _, match := range unknownField.FindAllStringSubmatch(err.Error(), -1) {
		all = append(all, match[1]+": unknown field")
	}

	if apierrors.IsInvalid(err) && status.ErrStatus.Details != nil {
		for _, cause := range status.ErrStatus.Details.Causes {
			if strings.HasPrefix(cause.Field, ".") {
				continue // says of the replicas again, for the scale of the resource, what the schema says of them
			}

			all = append(all, strings.TrimPrefix(cause.Field, "<nil>")+": "+cause.Message)
		}
	}

	if len(all) == 0 {
		t.Fatal(err)
	}

	slices.Sort(all)

	return all
}

// findings returns what the linter says about each field, without what only the operator would find.
func findings(t *testing.T, linter *lint.Linter, object *unstructured.Unstructured) []string {
	t.Helper()

	data, err := object.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}

	var all []string

	for _, finding := range linter.Lint(t.Context(), []lint.File{{Name: "object", Data: data}}).Findings {
		if finding.Level == lint.LevelError && !strings.HasPrefix(finding.Message, "the operator cannot use it: ") {
			all = append(all, finding.Field+": "+finding.Message)
		}
	}

	slices.Sort(all)

	return all
}
