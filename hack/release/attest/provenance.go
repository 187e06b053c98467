// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package attest

import (
	"os"
	"time"
)

const (
	source = "https://github.com/wawebhook/whatsapp-webhook-operator"
	// buildType names the page that describes the parameters.
	buildType = source + "/blob/main/docs/images.md#provenance"
	// localBuilder is a machine that is not a runner of GitHub.
	localBuilder = source + "/blob/main/docs/images.md#local"
)

// Build describes how a release is built.
type Build struct {
	Version   string
	Revision  string
	Platforms []string
	Prefix    string
	Go        string // version of the toolchain
	Created   time.Time
}

// The predicate, as https://slsa.dev/spec/v1.0/provenance describes it.
type (
	provenance struct {
		Definition buildDefinition `json:"buildDefinition"`
		Run        runDetails      `json:"runDetails"`
	}

	buildDefinition struct {
		Type         string         `json:"buildType"`
		External     map[string]any `json:"externalParameters"`
		Internal     map[string]any `json:"internalParameters,omitempty"`
		Dependencies []dependency   `json:"resolvedDependencies"`
	}

	dependency struct {
		URI    string            `json:"uri"`
		Digest map[string]string `json:"digest,omitempty"`
	}

	runDetails struct {
		Builder  builder   `json:"builder"`
		Metadata *metadata `json:"metadata,omitempty"`
	}

	builder struct {
		ID string `json:"id"`
	}

	metadata struct {
		Invocation string `json:"invocationId"`
	}
)

// Provenance returns the predicate. It has no times, so that it is the same for the same commit; a run of GitHub's adds where
// its log is.
func (b Build) Provenance() any {
	p := provenance{
		Definition: buildDefinition{
			Type: buildType,
			External: map[string]any{
				"version":   b.Version,
				"platforms": b.Platforms,
				"prefix":    b.Prefix,
			},
			Internal: map[string]any{
				"go":              b.Go,
				"sourceDateEpoch": b.Created.Unix(),
			},
			Dependencies: []dependency{
				{
					URI:    "git+" + source + "@" + b.Revision,
					Digest: map[string]string{"gitCommit": b.Revision},
				},
				{URI: "pkg:golang/toolchain@" + b.Go},
			},
		},
		Run: runDetails{Builder: builder{localBuilder}},
	}

	if run := os.Getenv("GITHUB_RUN_ID"); os.Getenv("GITHUB_ACTIONS") == "true" && run != "" {
		p.Run.Builder.ID = "https://github.com/actions/runner/" + os.Getenv("RUNNER_ENVIRONMENT")
		p.Run.Metadata = &metadata{
			Invocation: os.Getenv("GITHUB_SERVER_URL") + "/" + os.Getenv("GITHUB_REPOSITORY") + "/actions/runs/" + run +
				"/attempts/" + os.Getenv("GITHUB_RUN_ATTEMPT"),
		}
	}

	return p
}
