// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// TestFluxPatchesApply checks that the patches of the Flux example match objects of the kustomizations that the guide names
// for it, and that pruning keeps what others depend on.
func TestFluxPatchesApply(t *testing.T) {
	for _, path := range []string{"config/default", "config/namespaced"} {
		t.Run(path, func(t *testing.T) { checkFluxPatches(t, path) })
	}
}

func checkFluxPatches(t *testing.T, path string) {
	t.Helper()

	kustomization := examples(t, "flux/operator-kustomize.yaml")["Kustomization flux-system/whatsapp-webhook-operator"]

	patches, found, err := unstructured.NestedSlice(kustomization.Object, "spec", "patches")
	if err != nil || !found {
		t.Fatalf("no patches: %v", err)
	}

	data, err := json.Marshal(patches)
	if err != nil {
		t.Fatal(err)
	}

	objects := byKey(parse(t, kustomize.run(t, "build", overlay(t, map[string]string{
		".": fmt.Sprintf(`{resources: [ROOT/%s], patches: %s}`, path, data),
	}))))

	deployment := objects["Deployment whatsapp-webhook-system/whatsapp-webhook-operator-manager"]

	const images = "ghcr.io/wawebhook/whatsapp-webhook-operator/"
	if got := container(t, deployment)["image"]; got != images+"manager:v0.1.0" {
		t.Errorf("the image is %v", got)
	}

	if got, want := arguments(t, deployment), "--leader-elect --receiver-image="+images+"receiver:v0.1.0 "; !strings.HasPrefix(got, want) {
		t.Errorf("the args are %s, want %s…", got, want)
	}

	kept := 0

	for name, o := range objects {
		if keepsOthers(o) {
			kept++

			if o.GetAnnotations()["kustomize.toolkit.fluxcd.io/prune"] != "disabled" {
				t.Errorf("%s may be pruned", name)
			}
		}
	}

	if kept != 2 {
		t.Errorf("%d objects keep others, want the CustomResourceDefinition and the Namespace", kept)
	}
}

// keepsOthers reports whether the deletion of the object deletes objects that do not belong to the installation.
func keepsOthers(o *object) bool {
	return o.GetKind() == "CustomResourceDefinition" || o.GetKind() == "Namespace"
}

// TestUninstallByLabel checks that the command of the guide that keeps the resources names every kind of the kustomizations
// but those whose deletion deletes objects of others, and selects each object.
func TestUninstallByLabel(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join(root, "docs", "gitops.md"))
	if err != nil {
		t.Fatal(err)
	}

	command := regexp.MustCompile(`kubectl -n whatsapp-webhook-system delete (\S+) \\\n\s+-l (\S+)\n`).FindStringSubmatch(string(guide))
	if command == nil {
		t.Fatal("docs/gitops.md lacks the command")
	}

	selector, err := labels.Parse(command[2])
	if err != nil {
		t.Fatal(err)
	}

	for _, path := range []string{"config/default", "config/namespaced"} {
		kinds := map[string]bool{}

		for _, o := range build(t, path) {
			if keepsOthers(o) {
				continue
			}

			kinds[strings.ToLower(o.GetKind())] = true

			if !selector.Matches(labels.Set(o.GetLabels())) {
				t.Errorf("%s: the command does not select %s", path, key(o))
			}
		}

		if diff := cmp.Diff(slices.Sorted(maps.Keys(kinds)), slices.Sorted(slices.Values(strings.Split(command[1], ",")))); diff != "" {
			t.Errorf("%s: the kinds (-kustomization +command):\n%s", path, diff)
		}
	}
}
