// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestStoredAsSent shows that the API sets no defaults: an absent field stays absent and follows the defaults of the
// operator's release.
func TestStoredAsSent(t *testing.T) {
	t.Parallel()
	namespace := server.NewNamespace(t)

	for _, patch := range append([]string{"{}"}, fullSpecs()...) {
		sent := newObject(v1alpha1.SchemeGroupVersion, namespace, specOf(patch))
		if err := strict().Create(t.Context(), sent); err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(specOf(patch), apiserver.MustGet(t, server, sent).Object["spec"]); diff != "" {
			t.Errorf("sent %s, stored another (-sent +stored):\n%s", patch, diff)
		}
	}

	walk("", *readCRD(t).Spec.Versions[0].Schema.OpenAPIV3Schema, func(path string, schema schemaProps) {
		if schema.Default != nil && path != "status" {
			t.Errorf("%s has the default %s", path, schema.Default.Raw)
		}
	})
}

// TestFilesAreAccepted sends the resources the project ships, and those of the golden cases, to the API server as kubectl
// would.
func TestFilesAreAccepted(t *testing.T) {
	t.Parallel()
	namespace := server.NewNamespace(t)
	misspelled := newObject(v1alpha1.SchemeGroupVersion, namespace, specOf(`{receiver: {nodeSelektor: {}}}`))
	wantMessage(t, strict().Create(t.Context(), misspelled, client.DryRunAll), `unknown field "spec.receiver.nodeSelektor"`)

	accepted := map[string]bool{}
	for _, pattern := range []string{root + "/config/samples/*.yaml", root + "/config/samples/*/*.yaml", root + "/controllers/resources/testdata/*/in.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}

		for _, file := range files {
			for _, object := range readObjects(t, file) {
				if object.GroupVersionKind().Group == "kustomize.config.k8s.io" {
					continue // kubectl reads it and never sends it
				}

				object.SetNamespace(namespace)

				if err := strict().Create(t.Context(), object, client.DryRunAll); err != nil {
					t.Errorf("%s: %v", file, err)
				}

				if object.GetKind() == v1alpha1.Kind {
					accepted[pattern] = true
				}
			}
		}

		if !accepted[pattern] {
			t.Errorf("no resource was found in %s", pattern)
		}
	}
}

// readObjects returns the documents of a YAML file, and fails on duplicate keys.
func readObjects(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()

	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	var objects []*unstructured.Unstructured

	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}

		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		data, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(data); err != nil {
			t.Fatalf("%s: %v", file, err)
		}

		objects = append(objects, object)
	}
}
