// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

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

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

type schemaProps = apiextensionsv1.JSONSchemaProps

// readCRD returns the CustomResourceDefinition the project ships.
func readCRD(t *testing.T) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()

	data, err := os.ReadFile(root + "/config/crd/bases/whatsapp.wawebhook.dev_whatsappwebhooks.yaml")
	if err != nil {
		t.Fatal(err)
	}

	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(data, crd); err != nil {
		t.Fatal(err)
	}

	return crd
}

// copyOfCRD returns the CustomResourceDefinition in its own group, so that a test can change it.
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

	options := envtest.CRDInstallOptions{
		CRDs:    []*apiextensionsv1.CustomResourceDefinition{crd},
		MaxTime: apiserver.Timeout,
	}
	if _, err := envtest.InstallCRDs(server.Admin, options); err != nil {
		t.Fatal(err)
	}
}

// kubernetesTypes returns the fields of Kubernetes types, whose texts and limits are not ours.
func kubernetesTypes() []string {
	return []string{
		"spec.receiver.resources", "spec.receiver.imagePullSecrets[]", "spec.receiver.env[]",
		"spec.receiver.podSecurityContext", "spec.receiver.securityContext", "spec.receiver.podTemplatePatch",
		"spec.receiver.scheduling.affinity", "spec.receiver.scheduling.tolerations[]", "spec.receiver.scheduling.topologySpreadConstraints[]",
		"spec.networkPolicy.webhookFrom[]", "spec.networkPolicy.adminFrom[]", "spec.networkPolicy.egress[]",
		"status.conditions[]",
	}
}

// walk visits the schema of every field below path, except inside Kubernetes types. Elements of a list are visited as
// path[].
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

// TestEveryLimitIsTested fails on any rule or other limit of the schema that no case violates.
func TestEveryLimitIsTested(t *testing.T) {
	t.Parallel()

	type limit struct{ field, message string }

	tested := map[limit]bool{}
	for _, test := range specCases() {
		tested[limit{test.field, test.message}] = true
	}

	for _, test := range updateCases() {
		tested[limit{"spec", test.message}] = true
	}

	for _, test := range statusCases() {
		tested[limit{test.field, test.message}] = true
	}

	limits := 0
	walk("", *readCRD(t).Spec.Versions[0].Schema.OpenAPIV3Schema, func(path string, schema schemaProps) {
		if slices.Contains(kubernetesTypes(), path) {
			return
		}

		for field, messages := range rejections(path, schema) {
			for _, message := range messages {
				limits++

				if !tested[limit{field, message}] {
					t.Errorf("no case for %s is rejected with %q", field, message)
				}
			}
		}
	})

	if limits < 250 {
		t.Errorf("the schema has %d limits: the walk missed some", limits)
	}
}

// TestNoRuleComparesWithTheFormerValue fails on a rule that would refuse to undo a change. What cannot change is for the API
// server to refuse, in the object that has it.
func TestNoRuleComparesWithTheFormerValue(t *testing.T) {
	t.Parallel()
	walk("", *readCRD(t).Spec.Versions[0].Schema.OpenAPIV3Schema, func(path string, schema schemaProps) {
		for _, rule := range schema.XValidations {
			if strings.Contains(rule.Rule, "oldSelf") {
				t.Errorf("%s: %s", path, rule.Rule)
			}
		}
	})
}

// rejections returns the API server's messages about values that violate the schema, by the field they name.
func rejections(path string, schema schemaProps) map[string][]string {
	messages := map[string][]string{}

	add := func(field, format string, args ...any) {
		messages[field] = append(messages[field], fmt.Sprintf(format, args...))
	}
	for _, rule := range schema.XValidations {
		add(path+rule.FieldPath, "%s", rule.Message)
	}

	for _, name := range schema.Required {
		add(strings.TrimPrefix(path+"."+name, "."), "Required value")
	}

	if schema.Pattern != "" {
		add(path, "should match '%s'", schema.Pattern)
	}

	if schema.Minimum != nil {
		add(path, "should be greater than or equal to %v", int64(*schema.Minimum))
	}

	if schema.Maximum != nil {
		add(path, "should be less than or equal to %v", int64(*schema.Maximum))
	}

	if schema.MinLength != nil && *schema.MinLength > 0 {
		add(path, "should be at least %d chars long", *schema.MinLength)
	}

	if schema.MaxLength != nil {
		add(path, "may not be more than %d bytes", *schema.MaxLength)
	}

	if schema.MinItems != nil && *schema.MinItems > 0 {
		add(path, "should have at least %d items", *schema.MinItems)
	}

	if schema.MaxItems != nil {
		add(path, "must have at most %d items", *schema.MaxItems)
	}

	if schema.MinProperties != nil && *schema.MinProperties > 0 {
		add(path, "should have at least %d properties", *schema.MinProperties)
	}

	if schema.MaxProperties != nil {
		add(path, "must have at most %d items", *schema.MaxProperties)
	}

	if schema.XListType != nil && *schema.XListType != "atomic" {
		add(path+"[]", "Duplicate value")
	}

	if len(schema.Enum) > 0 {
		var values []string
		for _, value := range schema.Enum {
			values = append(values, string(value.Raw))
		}

		slices.Sort(values)
		add(path, "supported values: %s", strings.Join(values, ", "))
	}

	return messages
}
