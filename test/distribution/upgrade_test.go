// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// field is a field of the CustomResourceDefinition that the former one of these tests lacks.
var field = []string{"schema", "openAPIV3Schema", "properties", "spec", "properties", "suspend"}

// TestUpgradeOfTheCRD upgrades a release, and takes over objects of kubectl, whose CustomResourceDefinition lacks a field.
func TestUpgradeOfTheCRD(t *testing.T) {
	for name, helm := range map[string]program{"crd-helm-3": helm3, "crd-helm-4": helm4} {
		t.Run(name, func(t *testing.T) {
			namespaced := "--namespace=" + name

			t.Cleanup(func() { removeCRD(t) })
			t.Cleanup(func() { helm.run(t, "uninstall", release, namespaced, "--ignore-not-found") })
			helm.run(t, "install", release, formerChart(t), namespaced, "--create-namespace")

			if serves(t, field) {
				t.Fatal("the former CustomResourceDefinition has the field")
			}

			helm.run(t, "upgrade", release, chart, namespaced)

			if !serves(t, field) {
				t.Error("an upgrade does not change the CustomResourceDefinition")
			}

			helm.run(t, "rollback", release, "1", namespaced)

			if serves(t, field) {
				t.Error("a rollback does not change the CustomResourceDefinition")
			}

			// Leaving the definition out does not delete it, and with it all resources.
			helm.run(t, "upgrade", release, chart, namespaced)
			helm.run(t, "upgrade", release, chart, namespaced, "--set=crd.enabled=false")

			if !serves(t, field) {
				t.Error("crd.enabled=false changes the CustomResourceDefinition")
			}

			helm.run(t, "uninstall", release, namespaced)

			for _, o := range parse(t, helm.run(t, "template", release, formerChart(t), namespaced, "--kube-version="+oldestKubernetes)) {
				if o.GetName() == crdName {
					apply(t, o, "kubectl", client.ForceOwnership)
				}
			}

			takeover := []string{"install", release, chart, namespaced, "--take-ownership"}
			if name == "crd-helm-4" {
				takeover = append(takeover, "--force-conflicts")
			}

			helm.run(t, takeover...)

			if !serves(t, field) {
				t.Error("taking ownership does not change the CustomResourceDefinition")
			}

			helm.run(t, "uninstall", release, namespaced)
		})
	}
}

// formerChart returns a copy of the chart whose CustomResourceDefinition lacks the field.
func formerChart(t *testing.T) string {
	t.Helper()

	former := copyOfChart(t)
	file := filepath.Join(former, "files", "crd.yaml")

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	crd := parse(t, string(text))[0]

	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	if err != nil {
		t.Fatal(err)
	}

	for _, version := range versions {
		unstructured.RemoveNestedField(version.(map[string]any), field...) //nolint:forcetypeassert // a panic fails the test
	}

	if err := unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions"); err != nil {
		t.Fatal(err)
	}

	data, err := crd.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}

	return former
}

// copyOfChart returns a folder with the files of the chart.
func copyOfChart(t *testing.T) string {
	t.Helper()

	folder := filepath.Join(t.TempDir(), release)
	if err := os.CopyFS(folder, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}

	return folder
}

// serves reports whether the CustomResourceDefinition of the API server has the field.
func serves(t *testing.T, field []string) bool {
	t.Helper()

	crd := get(t, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "", crdName)

	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	if err != nil || len(versions) == 0 {
		t.Fatalf("the versions are %v: %v", versions, err)
	}

	version, ok := versions[0].(map[string]any)
	if !ok {
		t.Fatalf("the version is %v", versions[0])
	}

	_, found, err := unstructured.NestedMap(version, field...)
	if err != nil {
		t.Fatal(err)
	}

	return found
}

// TestUpgradeWithFormerDefaults checks that a chart whose defaults are missing says which option of Helm brings them.
func TestUpgradeWithFormerDefaults(t *testing.T) {
	for name, helm := range map[string]program{"reuse-helm-3": helm3, "reuse-helm-4": helm4} {
		t.Run(name, func(t *testing.T) {
			namespaced := "--namespace=" + name

			t.Cleanup(func() { removeCRD(t) })

			former := copyOfChart(t)
			for _, path := range []string{"templates", "values.schema.json"} {
				if err := os.RemoveAll(filepath.Join(former, path)); err != nil {
					t.Fatal(err)
				}
			}

			values, err := os.ReadFile("testdata/former-values.yaml")
			if err != nil {
				t.Fatal(err)
			}

			if err := os.WriteFile(filepath.Join(former, "values.yaml"), values, 0o600); err != nil {
				t.Fatal(err)
			}

			helm.run(t, "install", release, former, namespaced, "--create-namespace", "--set=logLevel=debug")
			t.Cleanup(func() { helm.run(t, "uninstall", release, namespaced) })

			_, err = helm.try(t, "upgrade", release, chart, namespaced, "--reuse-values")
			if err == nil || !strings.Contains(err.Error(), "--reset-then-reuse-values") {
				t.Errorf("the error is %v, want one that names the option", err)
			}

			helm.run(t, "upgrade", release, chart, namespaced, "--reset-then-reuse-values")

			upgraded := get(t, "apps/v1", "Deployment", name, release+"-manager")
			if args := arguments(t, upgraded); !strings.Contains(args, "--log-level=debug") {
				t.Errorf("the args are %s", args)
			}

			selector, _, err := unstructured.NestedStringMap(upgraded.Object, "spec", "template", "spec", "nodeSelector")
			if diff := cmp.Diff(map[string]string{"kubernetes.io/os": "linux"}, selector); diff != "" || err != nil {
				t.Errorf("the nodeSelector (-want +got): %v\n%s", err, diff)
			}
		})
	}
}

// TestNamespacesThatDoNotExist checks that an upgrade names them, and writes nothing.
func TestNamespacesThatDoNotExist(t *testing.T) {
	for name, helm := range map[string]program{"gone-helm-3": helm3, "gone-helm-4": helm4} {
		t.Run(name, func(t *testing.T) {
			namespaced := "--namespace=" + name
			team := name + "-team"
			deleted := name + "-deleted"

			t.Cleanup(func() { removeCRD(t) })

			for _, namespace := range []string{team, deleted} {
				testCluster.MustCreate(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
			}

			// Without a namespace controller, it stays terminating.
			if err := testCluster.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: deleted}}); err != nil {
				t.Fatal(err)
			}

			// The namespace of the release exists as soon as Helm has created it.
			helm.run(t, "install", release, chart, namespaced, "--create-namespace", "--set=namespaces={"+name+","+team+"}")
			t.Cleanup(func() { helm.run(t, "uninstall", release, namespaced) })

			before := get(t, "apps/v1", "Deployment", name, release+"-manager").GetResourceVersion()

			for _, values := range []string{
				"namespaces={" + team + ",nowhere}",
				"namespaces={nowhere}",
				"namespaceOverride=nowhere",
			} {
				_, err := helm.try(t, "upgrade", release, chart, namespaced, "--set="+values)
				if err == nil || !strings.Contains(err.Error(), "create nowhere, or remove it from the values") {
					t.Errorf("%s: the error is %v, want one that says what to do", values, err)
				}
			}

			_, err := helm.try(t, "upgrade", release, chart, namespaced, "--set=namespaces={"+team+","+deleted+"}")
			if err == nil || !strings.Contains(err.Error(), "create "+deleted) {
				t.Errorf("the error is %v, want one that names the namespace in deletion", err)
			}

			if after := get(t, "apps/v1", "Deployment", name, release+"-manager").GetResourceVersion(); after != before {
				t.Error("an upgrade that failed has changed the Deployment")
			}

			// Without a cluster, nothing is looked up.
			helm.run(t, "template", release, chart, "--kube-version="+oldestKubernetes, "--set=namespaces={nowhere}")
		})
	}
}
