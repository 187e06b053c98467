// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const root = "../../.."

// generate returns the bundle of this checkout.
func generate(t *testing.T) map[string][]byte {
	t.Helper()

	build := exec.CommandContext(t.Context(), "go", "tool", "-modfile=hack/tools/kubernetes/go.mod", "kustomize", "build", "config/default")
	build.Dir = root
	build.Stderr = t.Output()

	install, err := build.Output()
	if err != nil {
		t.Fatalf("render config/default: %v", err)
	}

	chart := read(t, root+"/charts/"+Name+"/Chart.yaml")

	files, err := Generate(Release{
		Version: "1.2.3",
		Created: time.Unix(1_700_000_000, 0),
		Install: install,
		Chart:   chart,
		Icon:    read(t, root+"/charts/"+Name+"/icon.svg"),
	})
	if err != nil {
		t.Fatal(err)
	}

	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	return text
}

// TestBundleIsValid validates the published bundle with all validators of operator-sdk's library.
func TestBundleIsValid(t *testing.T) {
	archive, err := Pack(generate(t), time.Unix(1_700_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}

	files, err := Unpack(archive)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff([]string{
		"manifests/whatsapp-webhook-operator-edit.clusterrole.yaml",
		"manifests/whatsapp-webhook-operator-metrics-reader.clusterrole.yaml",
		"manifests/whatsapp-webhook-operator-metrics.service.yaml",
		"manifests/whatsapp-webhook-operator-view.clusterrole.yaml",
		"manifests/whatsapp-webhook-operator.clusterserviceversion.yaml",
		"manifests/whatsappwebhooks.whatsapp.wawebhook.dev.customresourcedefinition.yaml",
		"metadata/annotations.yaml",
		"tests/scorecard/config.yaml",
	}, slices.Sorted(maps.Keys(files))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}

	folder := t.TempDir()

	for name, content := range files {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}

		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	validate := exec.CommandContext(t.Context(), "go", "run", "-C", root+"/hack/tools/olm", ".", folder)
	if out, err := validate.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestPermissions compares what the ClusterServiceVersion permits with what the roles of the manager permit.
func TestPermissions(t *testing.T) {
	const manifests = `
kind: ClusterRole
metadata: {name: manager}
rules: [{resources: [pods], verbs: [get]}]
---
kind: ClusterRole
metadata: {name: auth}
rules: [{resources: [tokenreviews], verbs: [create]}]
---
kind: ClusterRoleBinding
metadata: {name: manager}
roleRef: {kind: ClusterRole, name: manager}
subjects: [{kind: ServiceAccount, name: manager}]
---
kind: ClusterRoleBinding
metadata: {name: auth}
roleRef: {kind: ClusterRole, name: auth}
subjects: [{kind: ServiceAccount, name: manager}]
`

	objects, err := parse([]byte(manifests))
	if err != nil {
		t.Fatal(err)
	}

	got, err := permissions(objects, "ClusterRole")
	if err != nil {
		t.Fatal(err)
	}

	var want []any

	const permitted = `[{serviceAccountName: manager, rules: [{resources: [pods], verbs: [get]}, {resources: [tokenreviews], verbs: [create]}]}]`
	if err := yaml.Unmarshal([]byte(permitted), &want); err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("permissions (-want +got):\n%s", diff)
	}

	if _, err := permissions(objects[1:], "ClusterRole"); err == nil {
		t.Error("a binding of a role that is missing is accepted")
	}
}

func TestUnusableInstallations(t *testing.T) {
	for name, install := range map[string]string{
		"nothing":       "",
		"no YAML":       "\t",
		"no Deployment": "kind: Service\nmetadata: {name: a}\n",
	} {
		_, err := Generate(Release{Install: []byte(install), Chart: []byte("maintainers: [{name: a}]")})
		if err == nil || !strings.Contains(err.Error(), "install.yaml") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
