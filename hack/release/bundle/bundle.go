// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bundle generates the bundle with which the Operator Lifecycle Manager installs the operator
// (https://olm.operatorframework.io/docs/tasks/creating-operator-bundle/). Objects and permissions are those of install.yaml,
// and texts those of the chart.
package bundle

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Name is that of the package in a catalog.
const Name = "whatsapp-webhook-operator"

// Release is what the bundle is generated from.
type Release struct {
	Version string // semantic, without v
	Created time.Time
	Install []byte // install.yaml
	Chart   []byte // Chart.yaml
	Icon    []byte // SVG
}

// Labels are those of the image of a bundle, and the annotations in its metadata.
var Labels = map[string]string{
	"operators.operatorframework.io.bundle.mediatype.v1":       "registry+v1",
	"operators.operatorframework.io.bundle.manifests.v1":       "manifests/",
	"operators.operatorframework.io.bundle.metadata.v1":        "metadata/",
	"operators.operatorframework.io.bundle.package.v1":         Name,
	"operators.operatorframework.io.bundle.channels.v1":        "candidate",
	"operators.operatorframework.io.bundle.channel.default.v1": "candidate",
	"operators.operatorframework.io.test.mediatype.v1":         "scorecard+v1",
	"operators.operatorframework.io.test.config.v1":            "tests/scorecard/",
}

// object is an object of Kubernetes.
type object map[string]any

func (o object) kind() string { return text(o, "kind") }
func (o object) name() string { return text(o, "metadata", "name") }

// text returns a string in an object, or nothing.
func text(o map[string]any, path ...string) string {
	var node any = o
	for _, key := range path {
		inner, ok := node.(object)
		if !ok {
			plain, _ := node.(map[string]any)
			inner = plain
		}

		node = inner[key]
	}

	found, _ := node.(string)

	return found
}

func list(o map[string]any, key string) []any {
	found, _ := o[key].([]any)

	return found
}

// Generate returns the files of the bundle by their paths.
func Generate(r Release) (map[string][]byte, error) {
	objects, err := parse(r.Install)
	if err != nil {
		return nil, fmt.Errorf("install.yaml: %w", err)
	}

	var c chart
	if err := yaml.Unmarshal(r.Chart, &c); err != nil {
		return nil, fmt.Errorf("chart: %w", err)
	}

	csv, err := r.serviceVersion(objects, c)
	if err != nil {
		return nil, err
	}

	files := map[string]any{
		ServiceVersion:                csv,
		"metadata/annotations.yaml":   map[string]any{"annotations": Labels},
		"tests/scorecard/config.yaml": scorecard(),
	}

	for _, o := range objects {
		if !kept[o.kind()] || bound(objects, o) {
			continue
		}

		metadata, ok := o["metadata"].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("the %s has no metadata", o.kind())
		}

		// The namespace is that of the installation.
		delete(metadata, "namespace")

		files["manifests/"+o.name()+"."+strings.ToLower(o.kind())+".yaml"] = o
	}

	encoded := map[string][]byte{}

	for name, content := range files {
		if encoded[name], err = yaml.Marshal(content); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}

	return encoded, nil
}

// kept lists the kinds that are files of the bundle; the others are in the ClusterServiceVersion.
var kept = map[string]bool{
	"CustomResourceDefinition": true,
	"ClusterRole":              true,
	"Service":                  true,
}

func parse(manifests []byte) ([]object, error) {
	var objects []object

	for document := range strings.SplitSeq("\n"+string(manifests), "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			return nil, err
		}

		if len(o) > 0 {
			objects = append(objects, o)
		}
	}

	if len(objects) == 0 {
		return nil, errors.New("there are no objects")
	}

	return objects, nil
}

// bound reports whether a role is bound to a ServiceAccount, and so is among the permissions of the ClusterServiceVersion.
func bound(objects []object, role object) bool {
	for _, o := range objects {
		if strings.HasSuffix(o.kind(), "RoleBinding") && text(o, "roleRef", "kind") == role.kind() &&
			text(o, "roleRef", "name") == role.name() {
			return true
		}
	}

	return false
}

func find(objects []object, kind, name string) object {
	for _, o := range objects {
		if o.kind() == kind && (name == "" || o.name() == name) {
			return o
		}
	}

	return nil
}

// scorecard returns the tests of the Operator SDK that need no operator of its own kind.
func scorecard() object {
	const image = "quay.io/operator-framework/scorecard-test:v1.42.0"

	var tests []any
	for _, test := range []struct{ suite, name string }{
		{"basic", "basic-check-spec"},
		{"olm", "olm-bundle-validation"},
		{"olm", "olm-crds-have-validation"},
		{"olm", "olm-spec-descriptors"},
		{"olm", "olm-status-descriptors"},
	} {
		tests = append(tests, map[string]any{
			"entrypoint": []any{"scorecard-test", test.name},
			"image":      image,
			"labels":     map[string]any{"suite": test.suite, "test": test.name + "-test"},
		})
	}

	return object{
		"apiVersion": "scorecard.operatorframework.io/v1alpha3",
		"kind":       "Configuration",
		"metadata":   map[string]any{"name": "config"},
		"stages":     []any{map[string]any{"parallel": true, "tests": tests}},
	}
}
