// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestChartEqualsConfigDefault compares a release with default values with config/default, except for the labels of a
// release and the tag.
func TestChartEqualsConfigDefault(t *testing.T) {
	want := byKey(build(t, "config/default"))
	delete(want, "Namespace whatsapp-webhook-system")

	got := byKey(render(t))
	for _, objects := range []map[string]*object{want, got} {
		for _, o := range objects {
			removeRelease(t, o)
		}
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config/default and the chart differ (-config +chart):\n%s", diff)
	}
}

var tag = regexp.MustCompile(`(ghcr\.io/wawebhook/whatsapp-webhook-operator/[a-z]+):[-.a-z0-9]+`)

// removeRelease removes the differences between releases.
func removeRelease(t *testing.T, o *object) {
	t.Helper()

	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}

	if err := json.Unmarshal(tag.ReplaceAll(data, []byte("$1")), o); err != nil {
		t.Fatal(err)
	}

	unstructured.RemoveNestedField(o.Object, "metadata", "annotations", "helm.sh/resource-policy")

	for _, label := range []string{
		"app.kubernetes.io/instance",
		"app.kubernetes.io/version",
		"app.kubernetes.io/managed-by",
		"helm.sh/chart",
	} {
		for _, path := range [][]string{
			{"metadata", "labels"},
			{"spec", "selector"},
			{"spec", "selector", "matchLabels"},
			{"spec", "template", "metadata", "labels"},
		} {
			unstructured.RemoveNestedField(o.Object, append(path, label)...)
		}
	}
}

func TestNamespacedManagerHasTheSameRules(t *testing.T) {
	const rules = "whatsapp-webhook-operator-manager-role"

	want := byKey(build(t, "config/default"))["ClusterRole "+rules].Object["rules"]
	for name, got := range map[string]*object{
		"config/namespaced":         byKey(build(t, "config/namespaced"))["Role whatsapp-webhook-system/"+rules],
		"config/namespaced/watched": byKey(build(t, "config/namespaced/watched"))["Role "+rules],
		"the chart":                 byKey(render(t, "--set=namespaces={a,b}"))["Role b/"+rules],
	} {
		if got == nil {
			t.Errorf("%s has no Role %s", name, rules)
		} else if diff := cmp.Diff(want, got.Object["rules"]); diff != "" {
			t.Errorf("%s (-config/default +):\n%s", name, diff)
		}
	}
}

// TestOverlayOfNamespaces builds the overlay that docs/gitops.md describes for a manager of several namespaces.
func TestOverlayOfNamespaces(t *testing.T) {
	objects := byKey(parse(t, kustomize.run(t, "build", overlay(t, map[string]string{
		".": `
resources: [ROOT/config/namespaced, team-a]
patches:
- target: {kind: Deployment, name: whatsapp-webhook-operator-manager}
  patch: |
    - {op: add, path: /spec/template/spec/containers/0/args/-, value: "--namespaces=$(POD_NAMESPACE),team-a"}
`,
		"team-a": `
namespace: team-a
resources: [ROOT/config/namespaced/watched]
`,
	}))))

	binding := objects["RoleBinding team-a/whatsapp-webhook-operator-manager"]
	if binding == nil {
		t.Fatal("there is no RoleBinding in team-a")
	}

	want := []any{map[string]any{
		"kind":      "ServiceAccount",
		"name":      "whatsapp-webhook-operator-manager",
		"namespace": "whatsapp-webhook-system",
	}}
	if diff := cmp.Diff(want, binding.Object["subjects"]); diff != "" {
		t.Errorf("subjects (-want +got):\n%s", diff)
	}

	args := arguments(t, objects["Deployment whatsapp-webhook-system/whatsapp-webhook-operator-manager"])
	if !strings.HasSuffix(args, "--namespaces=$(POD_NAMESPACE),team-a") {
		t.Errorf("the last argument is wrong: %s", args)
	}
}

func TestOverlayInAnotherNamespaceWithPrometheus(t *testing.T) {
	objects := byKey(parse(t, kustomize.run(t, "build", overlay(t, map[string]string{
		".": `{namespace: other, resources: [ROOT/config/namespaced], components: [ROOT/config/prometheus]}`,
	}))))
	for _, name := range []string{
		"ServiceMonitor other/whatsapp-webhook-operator-metrics",
		"Service other/whatsapp-webhook-operator-metrics",
		"Role other/whatsapp-webhook-operator-manager-role",
		"Namespace other",
	} {
		if objects[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
}

// overlay writes kustomizations by folder, with ROOT replaced by the repository's path, and returns the folder of ".".
func overlay(t *testing.T, kustomizations map[string]string) string {
	t.Helper()

	project, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}

	base := t.TempDir()
	for name, text := range kustomizations {
		folder := filepath.Join(base, name)

		relative, err := filepath.Rel(folder, project)
		if err != nil {
			t.Fatal(err)
		}

		text = strings.ReplaceAll(text, "ROOT", relative)

		err = errors.Join(
			os.MkdirAll(folder, 0o700),
			os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte(text), 0o600),
		)
		if err != nil {
			t.Fatal(err)
		}
	}

	return base
}
