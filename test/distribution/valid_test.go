// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
)

// renderings are the values that together set every value.
var renderings = map[string][]string{
	"default values": nil,
	"everything":     {"--values=" + chart + "/ci/everything.yaml"},
	"PodMonitor":     {"--values=" + chart + "/ci/podmonitor.yaml"},
	"namespaced":     {"--values=" + chart + "/ci/namespaced.yaml"},
	"available":      {"--values=" + chart + "/ci/highly-available.yaml"},
}

// TestObjectsAreValid decodes all objects of the chart, and rejects unknown and duplicate fields.
func TestObjectsAreValid(t *testing.T) {
	t.Parallel()

	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, monitoringv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}

	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()

	for name, args := range renderings {
		for _, o := range render(t, args...) {
			data, err := o.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}

			if _, _, err := decoder.Decode(data, nil, nil); err != nil {
				t.Errorf("%s: %s: %v", name, key(o), err)
			}
		}
	}
}

var flagLine = regexp.MustCompile(`(?m)^\s+-([a-z][-a-z]*)`)

// TestManagerKnowsItsArguments checks that the manager has all flags that values set.
func TestManagerKnowsItsArguments(t *testing.T) {
	program, err := buildManager()
	if err != nil {
		t.Fatalf("build the manager: %v", err)
	}

	help, err := exec.CommandContext(t.Context(), program, "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}

	var known []string
	for _, match := range flagLine.FindAllSubmatch(help, -1) {
		known = append(known, string(match[1]))
	}

	for name, args := range renderings {
		manager := byKey(render(t, append(args, "--set=fullnameOverride=wa,namespaceOverride=wa")...))["Deployment wa/wa-manager"]
		for argument := range strings.FieldsSeq(arguments(t, manager)) {
			flag, _, _ := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
			if !slices.Contains(known, flag) {
				t.Errorf("%s: the manager has no flag --%s", name, flag)
			}
		}
	}
}
