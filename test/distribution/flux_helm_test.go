// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/flux"
)

// TestHelmRelease installs the chart as the HelmRelease in config/flux says, and detects and corrects drift as
// helm-controller does.
func TestHelmRelease(t *testing.T) {
	const namespace = "whatsapp-webhook-system"

	values, _, err := unstructured.NestedMap(
		examples(t, "flux/operator-helm.yaml")["HelmRelease flux-system/whatsapp-webhook-operator"].Object, "spec", "values")
	if err != nil {
		t.Fatal(err)
	}

	text, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}

	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { removeCRD(t) })
	helm4.run(t, "install", release, chart, "--namespace="+namespace, "--create-namespace", "--values="+file)
	t.Cleanup(func() { helm4.run(t, "uninstall", release, "--namespace="+namespace) })

	manifest := helm4.run(t, "get", "manifest", release, "--namespace="+namespace)
	helmdrift := flux.Program(t, "helmdrift")

	// drift returns the kind and name of each object that differs from the release.
	drift := func(options ...string) []string {
		t.Helper()

		var stderr strings.Builder

		command := exec.CommandContext(t.Context(), helmdrift, append(options, root+"/config/flux/operator-helm.yaml")...)

		command.Env = append(os.Environ(), "KUBECONFIG="+testCluster.kubeconfig)
		command.Stdin = strings.NewReader(manifest)
		command.Stderr = &stderr

		out, err := command.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, &stderr)
		}

		var objects []string

		for line := range strings.Lines(string(out)) {
			fields := strings.Fields(line)
			objects = append(objects, strings.Join(fields[:3], " "))
		}

		return objects
	}

	// The operator at work, other managers' fields, and the API server's defaults are not drift.
	startManager(t, client.ObjectKey{Namespace: namespace, Name: release + "-manager"})

	webhook := sample(t, testCluster.NewNamespace(t))
	apiserver.Eventually(t, func() error { return testCluster.Create(t.Context(), webhook) })
	apiserver.Eventually(t, func() error { return applied(t, webhook.GetNamespace()) })

	note := deployment(namespace)
	note.SetAnnotations(map[string]string{"example.com/note": "mine"})
	apply(t, note, "other-manager")

	if found := drift(); len(found) > 0 {
		t.Errorf("drift of an unchanged release: %v", found)
	}

	edit(t, "apps/v1", "Deployment", namespace, release+"-manager", imagePath, "example.com/other")
	remove(t, "v1", "Service", namespace, release+"-metrics")

	want := []string{"create Service " + release + "-metrics", "update Deployment " + release + "-manager"}
	if diff := cmp.Diff(want, drift("-correct")); diff != "" {
		t.Errorf("drift (-want +got):\n%s", diff)
	}

	if found := drift(); len(found) > 0 {
		t.Errorf("drift after its correction: %v", found)
	}

	if err := imageIsNot(t, namespace, release+"-manager", "example.com/other"); err != nil {
		t.Error(err)
	}

	// The next upgrade meets no conflict with the correction.
	helm4.run(t, "upgrade", release, chart, "--namespace="+namespace, "--values="+file, "--set=logLevel=debug")
}
