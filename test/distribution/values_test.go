// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestEveryValueIsRead checks that a template uses each value.
func TestEveryValueIsRead(t *testing.T) {
	text, err := os.ReadFile(chart + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}

	values := map[string]any{}
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}

	// These two are for charts that depend on this one.
	delete(values, "enabled")
	delete(values, "global")

	// Both images are rendered by one template, as .image.
	delete(values, "receiverImage")

	var templates strings.Builder

	err = fs.WalkDir(os.DirFS(chart), "templates", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}

		text, err := os.ReadFile(chart + "/" + name)
		templates.Write(text)

		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	for _, path := range leaves("", values) {
		if !strings.Contains(templates.String(), path) {
			t.Errorf("no template reads %s", strings.TrimPrefix(path, "."))
		}
	}
}

// leaves returns the paths of the values. The resources count as a single value.
func leaves(path string, value any) []string {
	under, ok := value.(map[string]any)
	if !ok || len(under) == 0 || path == ".resources" {
		return []string{path}
	}

	var paths []string
	for key, value := range under {
		paths = append(paths, leaves(path+"."+key, value)...)
	}

	return paths
}
