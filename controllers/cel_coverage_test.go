// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"
)

type schemaProps = apiextensionsv1.JSONSchemaProps

// readCRD returns the CustomResourceDefinition that the project ships.
func readCRD(t *testing.T) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()

	data, err := os.ReadFile("../config/crd/bases/whatsapp.wawebhook.dev_whatsappwebhooks.yaml")
	if err != nil {
		t.Fatal(err)
	}

	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(data, crd); err != nil {
		t.Fatal(err)
	}

	return crd
}

// copyOfCRD returns the CustomResourceDefinition in a group of its own, whose resources no operator works.
func copyOfCRD(t *testing.T, namespace string) (*apiextensionsv1.CustomResourceDefinition, schema.GroupVersion) {
	t.Helper()
	crd := readCRD(t)
	version := schema.GroupVersion{Group: namespace + ".wawebhook.dev", Version: crd.Spec.Versions[0].Name}
	crd.Name = crd.Spec.Names.Plural + "." + version.Group
	crd.Spec.Group = version.Group

	return crd, version
}

func install(t *testing.T, crd *apiextensionsv1.CustomResourceDefinition) {
	t.Helper()

	options := envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{crd}}
	if _, err := envtest.InstallCRDs(testCluster.admin, options); err != nil {
		t.Fatal(err)
	}
}

// kubernetesTypes are the fields whose insides are types of Kubernetes, with texts and limits that are not ours.
func kubernetesTypes() []string {
	return []string{
		"spec.receiver.resources", "spec.receiver.imagePullSecrets[]",
		"spec.receiver.scheduling.affinity", "spec.receiver.scheduling.tolerations[]", "spec.receiver.scheduling.topologySpreadConstraints[]",
		"spec.networkPolicy.webhookFrom[]", "spec.networkPolicy.adminFrom[]", "spec.networkPolicy.egress[]",
		"status.conditions[]",
	}
}

// walk visits the schema of every field below path, but not of those inside types of Kubernetes. Elements of a list are
// visited as path[].
func walk(path string, schema schemaProps, visit func(path string, schema schemaProps)) {
	visit(path, schema)

	if slices.Contains(kubernetesTypes(), path) {
		return
	}

	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		walk(strings.TrimPrefix(path+"."+name, "."), schema.Properties[name], visit)
	}

	if schema.Items != nil {
		walk(path+"[]", *schema.Items.Schema, visit)
	}
}

// TestEveryLimitIsTried fails on a rule, or any other limit of the schema, that no trial is refused by.
func TestEveryLimitIsTried(t *testing.T) {
	t.Parallel()

	type limit struct{ field, message string }

	tried := map[limit]bool{}
	for _, trial := range trials() {
		tried[limit{trial.field, trial.message}] = true
	}

	for _, trial := range changeTrials() {
		tried[limit{"spec", trial.message}] = true
	}

	for _, trial := range statusTrials() {
		tried[limit{trial.field, trial.message}] = true
	}

	limits := 0
	walk("", *readCRD(t).Spec.Versions[0].Schema.OpenAPIV3Schema, func(path string, schema schemaProps) {
		if slices.Contains(kubernetesTypes(), path) {
			return
		}

		for field, messages := range refusals(path, schema) {
			for _, message := range messages {
				limits++

				if !tried[limit{field, message}] {
					t.Errorf("nothing is tried that %s refuses with %q", field, message)
				}
			}
		}
	})

	if limits < 250 {
		t.Errorf("the schema has %d limits: the walk went past some", limits)
	}
}

// TestEveryFieldIsTried fails on a field that no full spec sets, whose acceptance is therefore not tried.
func TestEveryFieldIsTried(t *testing.T) {
	t.Parallel()
	walk("spec", readCRD(t).Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"], func(path string, _ schemaProps) {
		below, ok := strings.CutPrefix(path, "spec.")
		if ok && !slices.ContainsFunc(fullSpecs(), func(patch string) bool { return replace(specOf(patch), strings.Split(below, "."), "") }) {
			t.Errorf("no full spec sets %s", path)
		}
	})
}

// refusals returns what the API server says of values that break the schema, by the field that it says it of.
func refusals(path string, schema schemaProps) map[string][]string {
	said := map[string][]string{}

	say := func(field, format string, args ...any) {
		said[field] = append(said[field], fmt.Sprintf(format, args...))
	}
	for _, rule := range schema.XValidations {
		say(path, "%s", rule.Message)
	}

	for _, name := range schema.Required {
		say(strings.TrimPrefix(path+"."+name, "."), "Required value")
	}

	if schema.Pattern != "" {
		say(path, "should match '%s'", schema.Pattern)
	}

	if schema.Minimum != nil {
		say(path, "should be greater than or equal to %v", int64(*schema.Minimum))
	}

	if schema.Maximum != nil {
		say(path, "should be less than or equal to %v", int64(*schema.Maximum))
	}

	if schema.MinLength != nil && *schema.MinLength > 0 {
		say(path, "should be at least %d chars long", *schema.MinLength)
	}

	if schema.MaxLength != nil {
		say(path, "may not be more than %d bytes", *schema.MaxLength)
	}

	if schema.MinItems != nil && *schema.MinItems > 0 {
		say(path, "should have at least %d items", *schema.MinItems)
	}

	if schema.MaxItems != nil {
		say(path, "must have at most %d items", *schema.MaxItems)
	}

	if schema.MinProperties != nil && *schema.MinProperties > 0 {
		say(path, "should have at least %d properties", *schema.MinProperties)
	}

	if schema.MaxProperties != nil {
		say(path, "must have at most %d items", *schema.MaxProperties)
	}

	if schema.XListType != nil && *schema.XListType != "atomic" {
		say(path+"[]", "Duplicate value")
	}

	if len(schema.Enum) > 0 {
		var values []string
		for _, value := range schema.Enum {
			values = append(values, string(value.Raw))
		}

		slices.Sort(values)
		say(path, "supported values: %s", strings.Join(values, ", "))
	}

	return said
}
