// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// object is any Kubernetes object.
type object = unstructured.Unstructured

// parse returns the objects of a stream of YAML documents.
func parse(t *testing.T, stream string) []*object {
	t.Helper()

	var objects []*object

	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(stream), 4096)
	for {
		o := &object{}
		if err := decoder.Decode(o); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatalf("%v in:\n%s", err, stream)
		}

		if len(o.Object) > 0 {
			objects = append(objects, o)
		}
	}
}

// build returns the objects of a kustomization. The folder is relative to the repository.
func build(t *testing.T, folder string) []*object {
	t.Helper()
	return parse(t, kustomize.run(t, "build", filepath.Join(root, folder)))
}

// render returns the objects of the chart.
func render(t *testing.T, args ...string) []*object {
	t.Helper()

	template := []string{"template", release, chart, "--kube-version=" + oldestKubernetes, "--namespace=whatsapp-webhook-system"}

	return parse(t, helm4.run(t, append(template, args...)...))
}

// key returns the kind, namespace and name of an object.
func key(o *object) string {
	return strings.TrimSpace(o.GetKind() + " " + strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/"))
}

// byKey returns the objects by their keys.
func byKey(objects []*object) map[string]*object {
	keyed := make(map[string]*object, len(objects))
	for _, o := range objects {
		keyed[key(o)] = o
	}

	return keyed
}

// container returns the container of a Deployment, which has a single one.
func container(t *testing.T, deployment *object) map[string]any {
	t.Helper()

	containers, _, err := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) != 1 {
		t.Fatalf("the containers are %v: %v", containers, err)
	}

	container, ok := containers[0].(map[string]any)
	if !ok {
		t.Fatalf("the container is %v", containers[0])
	}

	return container
}

// arguments returns the args of the manager in one line. They contain no spaces.
func arguments(t *testing.T, deployment *object) string {
	t.Helper()

	args, _, err := unstructured.NestedStringSlice(container(t, deployment), "args")
	if err != nil {
		t.Fatal(err)
	}

	return strings.Join(args, " ")
}
