// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/test/rig/apiserver"
)

// TestUpgradeKeepsExistingObjects shows how a release that adds a limit treats existing objects. It stores one object that
// violates each limit in a copy of the CRD without limits, and then adds the limits. The objects can still be labeled,
// their status written and the rest of their spec changed, and the invalid field can only be corrected. See
// [lockoutOf] for the limits that a release cannot add this way.
func TestUpgradeKeepsExistingObjects(t *testing.T) {
	t.Parallel()
	namespace := server.NewNamespace(t)
	crd, version := copyOfCRD(t, namespace)
	crd.Spec.Versions[0].Subresources.Scale = nil // its own limits have always existed

	limited, err := json.Marshal(crd)
	if err != nil {
		t.Fatal(err)
	}

	crd.Spec.Versions[0].Schema.OpenAPIV3Schema = new(withoutLimits(*crd.Spec.Versions[0].Schema.OpenAPIV3Schema))
	install(t, crd)

	existing := map[*unstructured.Unstructured]specCase{}
	for _, test := range invalidCases() {
		object := newObject(version, namespace, test.spec)
		server.MustCreate(t, object)
		existing[object] = test
	}

	definition := &unstructured.Unstructured{}
	definition.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	definition.SetName(crd.Name)

	if err := server.Patch(t.Context(), definition, client.RawPatch(types.MergePatchType, limited)); err != nil {
		t.Fatal(err)
	}

	apiserver.Eventually(t, func() error {
		if err := server.Create(t.Context(), newObject(version, namespace, map[string]any{}), client.DryRunAll); !apierrors.IsInvalid(err) {
			return errors.New("the limits are not in force yet")
		}

		return nil
	})

	for object, test := range existing {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			patch := func(text string) error {
				return server.Patch(t.Context(), object.DeepCopy(), mergePatch(t, text), client.DryRunAll)
			}

			elsewhere := `{spec: {processing: {handoffSeconds: 5}}}`
			if strings.HasPrefix(test.field, "spec.processing") {
				elsewhere = `{spec: {bird: {workspaceID: another}}}`
			}

			blocked := lockoutOf(test)
			wantRejected(t, "a label", patch(`{metadata: {labels: {team: sales}}}`), blocked >= lockoutAll)
			wantRejected(t, "a change elsewhere in the spec", patch(elsewhere), blocked >= lockoutSpec)

			status := mergePatch(t, `{status: {observedGeneration: 1}}`)
			wantRejected(t, "the status", server.Status().Patch(t.Context(), object.DeepCopy(), status, client.DryRunAll), blocked >= lockoutStatus)

			changed := object.DeepCopy()
			if spec, ok := changed.Object["spec"].(map[string]any); ok && keepInvalid(spec, test) {
				wantRejected(t, "a change of the invalid field", server.Update(t.Context(), changed, client.DryRunAll), true)
			}
		})
	}
}

// lockout is the set of writes that the API server rejects for an object that violates a limit. Each value includes
// those before it.
type lockout int

const (
	lockoutField  lockout = iota // changes of the invalid field
	lockoutSpec                  // changes of the spec
	lockoutAll                   // any write but of the status
	lockoutStatus                // the status too: the operator can no longer report
)

// lockoutOf returns the writes that adding the limit of a case to a version in use would block. Only limits with
// lockoutField may be added.
func lockoutOf(test specCase) lockout {
	readByARule := []string{"spec.cloudAPI", "spec.store.embedded.size", "spec.receiver.autoscaling.maxReplicas", "spec.receiver.media.maxSpoolSize", "spec.ingress.maxBodySize"}
	listKeysAndRoot := []string{
		"spec", "spec.bird.endpoints[].method", "spec.processing.errorPolicies[].code",
		"spec.cloudAPI.appSecretSecretRefs[].name", "spec.cloudAPI.appSecretSecretRefs[].key",
	}

	missing := test.message == "Required value"
	switch {
	case slices.Contains(readByARule, test.field) && (missing || strings.HasPrefix(test.message, "should match")):
		return lockoutStatus // a rule that cannot be evaluated always rejects
	case slices.Contains(listKeysAndRoot, test.field) && missing:
		return lockoutAll
	case test.field == "spec":
		return lockoutSpec // a rule is evaluated again when anything below its field changes
	default:
		return lockoutField
	}
}

// invalidCases returns one case for each limit.
func invalidCases() []specCase {
	type limit struct{ field, message string }

	seen := map[limit]bool{}

	var rejected []specCase
	for _, test := range specCases() {
		limit := limit{test.field, test.message}
		if test.message != "" && !seen[limit] {
			seen[limit] = true

			rejected = append(rejected, test)
		}
	}

	return rejected
}

// keepInvalid changes the invalid field of a case to another invalid value. It reports whether one exists: a missing or
// empty field can only be corrected, and the API server reports no further duplicates in a list that has one.
func keepInvalid(spec map[string]any, test specCase) bool {
	inside := map[string]string{
		"spec":                            `{processing: {handoffSeconds: 5}}`,
		"spec.bird":                       `{bird: {circuitBreaker: {failureThreshold: 7}}}`,
		"spec.bird.flow":                  `{bird: {flow: {timeoutSeconds: 7}}}`,
		"spec.openAI":                     `{openAI: {timeoutSeconds: 7}}`,
		"spec.cloudAPI.subscription":      `{cloudAPI: {subscription: {fields: [messages]}}}`,
		"spec.processing.retry":           `{processing: {retry: {maxRetries: 7}}}`,
		"spec.processing.errorPolicies[]": `{processing: {errorPolicies: [{code: 2}]}}`,
		"spec.receiver":                   `{receiver: {logLevel: Warn}}`,
		"spec.receiver.autoscaling":       `{receiver: {autoscaling: {maxReplicas: 2}}}`,
		"spec.store":                      `{store: {retentionDays: 7}}`,
		"spec.receiver.media":             `{receiver: {media: {downloadTimeoutSeconds: 7}}}`,
		"spec.service":                    `{service: {labels: {tier: other}}}`,
		"spec.ingress":                    `{ingress: {className: other}}`,
		"spec.store.embedded":             `{store: {embedded: {size: 0Mi}}}`,
		"spec.store.embedded.backup":      `{store: {embedded: {backup: {keep: 7}}}}`,
		"spec.store.embedded.dataSource":  `{store: {embedded: {dataSource: {name: yet-another}}}}`,
	}

	if strings.HasPrefix(test.message, "should have at least") || test.message == "Required value" || test.message == "Duplicate value" {
		return false
	}

	if patch, ok := inside[test.field]; ok {
		merge(spec, tree(patch))
		return true
	}

	path := strings.Split(strings.TrimPrefix(test.field, "spec."), ".")
	switch value := lookUp(spec, path).(type) {
	case string:
		return value != "" && replace(spec, path, value+"!")
	case int64:
		if strings.Contains(test.message, "greater") {
			return replace(spec, path, value-1)
		}

		return replace(spec, path, value+1)
	case []any:
		return replace(spec, path, append(value, value[len(value)-1]))
	case map[string]any:
		value["yet-another"] = "value"
		return true
	default:
		return false
	}
}

// lookUp returns the value at path.
func lookUp(node map[string]any, path []string) any {
	name, isElement := strings.CutSuffix(path[0], "[]")

	child := node[name]
	if isElement {
		child = child.([]any)[0]
	}

	if len(path) == 1 {
		return child
	}

	return lookUp(child.(map[string]any), path[1:])
}

// withoutLimits returns the structure of the schema without its limits.
func withoutLimits(schema schemaProps) schemaProps {
	bare := schemaProps{
		Type:         schema.Type,
		AnyOf:        schema.AnyOf,
		XIntOrString: schema.XIntOrString,

		XPreserveUnknownFields: schema.XPreserveUnknownFields,
	}
	for name, property := range schema.Properties {
		if bare.Properties == nil {
			bare.Properties = map[string]schemaProps{}
		}

		bare.Properties[name] = withoutLimits(property)
	}

	if schema.Items != nil {
		bare.Items = &apiextensionsv1.JSONSchemaPropsOrArray{Schema: new(withoutLimits(*schema.Items.Schema))}
	}

	if schema.AdditionalProperties != nil {
		bare.AdditionalProperties = &apiextensionsv1.JSONSchemaPropsOrBool{Allows: true, Schema: new(withoutLimits(*schema.AdditionalProperties.Schema))}
	}

	return bare
}
