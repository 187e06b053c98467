// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// The manifest of a plugin, as krew reads it: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
type (
	plugin struct {
		APIVersion string     `json:"apiVersion"`
		Kind       string     `json:"kind"`
		Metadata   metadata   `json:"metadata"`
		Spec       pluginSpec `json:"spec"`
	}

	metadata struct {
		Name string `json:"name"`
	}

	pluginSpec struct {
		Version          string           `json:"version"`
		Homepage         string           `json:"homepage"`
		ShortDescription string           `json:"shortDescription"`
		Description      string           `json:"description"`
		Platforms        []pluginPlatform `json:"platforms"`
	}

	pluginPlatform struct {
		Selector metav1.LabelSelector `json:"selector"`
		URI      string               `json:"uri"`
		SHA256   string               `json:"sha256"`
		Files    []pluginFile         `json:"files"`
		Bin      string               `json:"bin"`
	}

	pluginFile struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
)

// semantic matches the versions that krew accepts.
var semantic = regexp.MustCompile(`^v[0-9]+[.][0-9]+[.][0-9]+(-[-0-9A-Za-z.]+)?$`)

// krew returns the manifest of the plugin. krew requires a semantic version, which a commit between two releases does not
// have.
func (r release) krew(sums map[platform]string) ([]byte, error) {
	version := r.version
	if !semantic.MatchString(version) {
		version = "v0.0.0-dev-" + version
	}

	if !semantic.MatchString(version) {
		return nil, fmt.Errorf("version %q has characters that krew does not accept", r.version)
	}

	p := plugin{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2",
		Kind:       "Plugin",
		Metadata:   metadata{Name: "whatsapp"},
		Spec: pluginSpec{
			Version:          version,
			Homepage:         "https://" + module,
			ShortDescription: "Build, run and repair a WhatsApp number with an AI",
			Description: `For people who answer WhatsApp messages with an AI by the whatsapp-webhook-operator: chat with an AI on your own machine,
test its bridge, check resources without a cluster, find out why people get no answer, and see and repair what receivers do.
`,
		},
	}

	for _, platform := range r.platforms {
		p.Spec.Platforms = append(p.Spec.Platforms, pluginPlatform{
			Selector: metav1.LabelSelector{MatchLabels: map[string]string{"os": platform.os, "arch": platform.arch}},
			URI:      strings.TrimSuffix(r.url, "/") + "/" + r.archive(platform),
			SHA256:   sums[platform],
			Files: []pluginFile{
				{platform.binary(), "."},
				{"LICENSE", "."},
			},
			Bin: platform.binary(),
		})
	}

	return yaml.Marshal(p)
}
