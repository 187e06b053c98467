// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/repository"
)

type job struct {
	Uses  string   `json:"uses"`
	Needs []string `json:"needs"`
	Steps []struct {
		Run string `json:"run"`
	} `json:"steps"`
}

// TestReleaseNeedsTests checks that the workflow of a tag publishes nothing before all that a change has to pass has passed.
func TestReleaseNeedsTests(t *testing.T) {
	if err := repository.Enter(); err != nil {
		t.Fatal(err)
	}

	content, err := os.ReadFile(".github/workflows/release.yaml")
	if err != nil {
		t.Fatal(err)
	}

	var workflow struct {
		Jobs map[string]job `json:"jobs"`
	}
	if err := yaml.Unmarshal(content, &workflow); err != nil {
		t.Fatal(err)
	}

	published := 0

	for name, release := range workflow.Jobs {
		for _, step := range release.Steps {
			if !strings.HasPrefix(step.Run, "make release ") {
				continue
			}

			published++

			if !slices.ContainsFunc(release.Needs, func(needed string) bool {
				return workflow.Jobs[needed].Uses == "./.github/workflows/ci.yaml"
			}) {
				t.Errorf("the job %s publishes a release and needs the jobs %q, want that of ci.yaml", name, release.Needs)
			}
		}
	}

	if published != 1 {
		t.Errorf("%d steps publish a release, want one", published)
	}
}
