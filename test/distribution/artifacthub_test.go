// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

const repository = "https://github.com/wawebhook/whatsapp-webhook-operator"

// metadata is the part of Chart.yaml that these tests read.
type metadata struct {
	Version     string            `json:"version"`
	AppVersion  string            `json:"appVersion"`
	KubeVersion string            `json:"kubeVersion"`
	Icon        string            `json:"icon"`
	Home        string            `json:"home"`
	Sources     []string          `json:"sources"`
	Maintainers []map[string]any  `json:"maintainers"`
	Annotations map[string]string `json:"annotations"`
}

// readMetadata returns the Chart.yaml of a folder or of a packaged chart.
func readMetadata(t *testing.T, chart string) metadata {
	t.Helper()

	m := metadata{}
	if err := yaml.UnmarshalStrict([]byte(helm4.run(t, "show", "chart", chart)), &m); err != nil &&
		!strings.Contains(err.Error(), "unknown field") {
		t.Fatal(err)
	}

	return m
}

// list returns an annotation that holds a list, as Artifact Hub parses it.
func (m metadata) list(t *testing.T, annotation string) []map[string]any {
	t.Helper()

	var list []map[string]any
	if err := yaml.Unmarshal([]byte(m.Annotations[annotation]), &list); err != nil || len(list) == 0 {
		t.Fatalf("%s is %v: %v", annotation, list, err)
	}

	return list
}

func TestArtifactHubAnnotations(t *testing.T) {
	t.Parallel()

	m := readMetadata(t, chart)

	if !strings.HasPrefix(m.KubeVersion, ">="+oldestKubernetes+".") {
		t.Errorf("kubeVersion is %s, and the oldest Kubernetes of the tests %s", m.KubeVersion, oldestKubernetes)
	}

	for annotation, want := range map[string][]string{
		"artifacthub.io/license":    {"Apache-2.0"},
		"artifacthub.io/operator":   {"true"},
		"artifacthub.io/prerelease": {"true", "false"},
		"artifacthub.io/category": {
			"ai-machine-learning", "database", "integration-delivery", "monitoring-logging", "networking", "security",
			"storage", "streaming-messaging",
		},
		"artifacthub.io/operatorCapabilities": {
			"Basic Install", "Seamless Upgrades", "Full Lifecycle", "Deep Insights", "Auto Pilot",
		},
	} {
		if got := m.Annotations[annotation]; !slices.Contains(want, got) {
			t.Errorf("%s is %q, want one of %q", annotation, got, want)
		}
	}

	for _, change := range m.list(t, "artifacthub.io/changes") {
		kinds := []any{"added", "changed", "deprecated", "removed", "fixed", "security"}
		if !slices.Contains(kinds, change["kind"]) || change["description"] == "" {
			t.Errorf("the change %v has no kind of %v or no description", change, kinds)
		}
	}

	if len(m.Maintainers) == 0 || m.Home != repository || !slices.Contains(m.Sources, repository) {
		t.Errorf("the maintainers are %v, home is %s, and the sources are %v", m.Maintainers, m.Home, m.Sources)
	}

	for _, link := range m.list(t, "artifacthub.io/links") {
		checkLink(t, link["url"].(string)) //nolint:forcetypeassert // a panic fails the test
	}

	checkLink(t, strings.Replace(m.Icon, "https://raw.githubusercontent.com/wawebhook/whatsapp-webhook-operator/", repository+"/blob/", 1))
}

// TestArtifactHubImages compares the annotation with the images that a release with default values has.
func TestArtifactHubImages(t *testing.T) {
	t.Parallel()

	if diff := cmp.Diff(imagesOf(t, render(t)), annotatedImages(t, chart)); diff != "" {
		t.Errorf("images (-templates +annotation):\n%s", diff)
	}
}

// annotatedImages returns the images of a chart's annotation.
func annotatedImages(t *testing.T, chart string) []string {
	t.Helper()

	var images []string
	for _, image := range readMetadata(t, chart).list(t, "artifacthub.io/images") {
		images = append(images, image["image"].(string)) //nolint:forcetypeassert // a panic fails the test
	}

	return images
}

// imagesOf returns the images of the manager and of receivers.
func imagesOf(t *testing.T, objects []*object) []string {
	t.Helper()

	for _, o := range objects {
		if o.GetKind() != "Deployment" {
			continue
		}

		for arg := range strings.FieldsSeq(arguments(t, o)) {
			if receiver, found := strings.CutPrefix(arg, "--receiver-image="); found {
				return []string{container(t, o)["image"].(string), receiver} //nolint:forcetypeassert // a panic fails the test
			}
		}
	}

	t.Fatal("there is no Deployment with --receiver-image")

	return nil
}

// TestArtifactHubExamples creates the examples with the CustomResourceDefinition that the annotations name.
func TestArtifactHubExamples(t *testing.T) {
	m := readMetadata(t, chart)
	definition := build(t, "config/crd")[0]

	t.Cleanup(func() { removeCRD(t) })
	apply(t, definition.DeepCopy(), "kubectl", client.ForceOwnership)

	crds := m.list(t, "artifacthub.io/crds")
	if len(crds) != 1 || crds[0]["name"] != definition.GetName() {
		t.Errorf("the annotation has the CustomResourceDefinitions %v, want %s", crds, definition.GetName())
	}

	for _, example := range m.list(t, "artifacthub.io/crdsExamples") {
		o := &unstructured.Unstructured{Object: example}
		o.SetNamespace("default")

		if o.GetKind() != crds[0]["kind"] || o.GroupVersionKind().Version != crds[0]["version"] {
			t.Errorf("the example is a %s, not of %v", o.GroupVersionKind(), crds[0])
		}

		// The API server serves the kind with a delay.
		apiserver.Eventually(t, func() error { return testCluster.Create(t.Context(), o, client.DryRunAll) })
	}
}

var link = regexp.MustCompile(`\]\(([^)]+)\)`)

// TestLinksOfTheReadme checks that the links work outside the repository, and lead to files that exist.
func TestLinksOfTheReadme(t *testing.T) {
	t.Parallel()

	readme, err := os.ReadFile(chart + "/README.md")
	if err != nil {
		t.Fatal(err)
	}

	links := link.FindAllSubmatch(readme, -1)
	if len(links) == 0 {
		t.Fatal("the README has no links")
	}

	for _, match := range links {
		checkLink(t, string(match[1]))
	}
}

// checkLink checks that a link is absolute, and that the file exists if it is one of the repository.
func checkLink(t *testing.T, url string) {
	t.Helper()

	if !strings.HasPrefix(url, "https://") {
		t.Errorf("the link %s is relative, so it does not work on Artifact Hub", url)
		return
	}

	path, found := strings.CutPrefix(url, repository)
	if !found || path == "" || path == "/issues" {
		return
	}

	path = strings.TrimPrefix(strings.TrimPrefix(path, "/blob/main/"), "/tree/main/")
	path, _, _ = strings.Cut(path, "#")

	if _, err := os.Stat(root + "/" + path); err != nil {
		t.Errorf("the link %s leads to no file: %v", url, err)
	}
}
