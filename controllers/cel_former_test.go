// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

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
)

// TestFormerObjectsStayValid stores one object against each limit while there is none, in a copy of the CRD, and then puts the limits in force. It proves what an upgrade that adds a limit does to objects that are
// there: they can be labelled, their status can be written and the rest of their spec can change, and what breaks the
// limit can only change for the better. See [stuckness] for the limits that cannot be added so.
func TestFormerObjectsStayValid(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	crd, version := copyOfCRD(t, namespace)
	crd.Spec.Versions[0].Subresources.Scale = nil // has limits of its own, which were always there

	limited, err := json.Marshal(crd)
	if err != nil {
		t.Fatal(err)
	}

	crd.Spec.Versions[0].Schema.OpenAPIV3Schema = new(withoutLimits(*crd.Spec.Versions[0].Schema.OpenAPIV3Schema))
	install(t, crd)

	former := map[*unstructured.Unstructured]trial{}
	for _, trial := range refusedTrials() {
		object := newObject(version, namespace, trial.spec)
		create(t, object)
		former[object] = trial
	}

	definition := &unstructured.Unstructured{}
	definition.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	definition.SetName(crd.Name)

	if err := testCluster.Patch(t.Context(), definition, client.RawPatch(types.MergePatchType, limited)); err != nil {
		t.Fatal(err)
	}

	eventually(t, func() error {
		if err := testCluster.Create(t.Context(), newObject(version, namespace, map[string]any{}), client.DryRunAll); !apierrors.IsInvalid(err) {
			return errors.New("the limits are not in force yet")
		}

		return nil
	})

	for object, trial := range former {
		t.Run(trial.name, func(t *testing.T) {
			t.Parallel()

			patch := func(text string) error {
				return testCluster.Patch(t.Context(), object.DeepCopy(), mergePatch(t, text), client.DryRunAll)
			}

			elsewhere := `{spec: {processing: {handoffSeconds: 5}}}`
			if strings.HasPrefix(trial.field, "spec.processing") {
				elsewhere = `{spec: {bird: {workspaceID: another}}}`
			}

			stuck := stuckness(trial)
			wantRefused(t, "a label", patch(`{metadata: {labels: {team: sales}}}`), stuck >= withAnyWrite)
			wantRefused(t, "a change elsewhere in the spec", patch(elsewhere), stuck >= withSpec)
			wantRefused(t, "the status", testCluster.Status().Patch(t.Context(), object.DeepCopy(), mergePatch(t, `{status: {observedGeneration: 1}}`), client.DryRunAll), stuck >= withStatus)

			changed := object.DeepCopy()
			if spec, ok := changed.Object["spec"].(map[string]any); ok && changeForTheWorse(spec, trial) {
				wantRefused(t, "a change of what is wrong", testCluster.Update(t.Context(), changed, client.DryRunAll), true)
			}
		})
	}
}

// stuck says which writes to an object that breaks a limit the API server refuses, each with all before it.
type stuck int

const (
	withItself   stuck = iota // only those that change what is wrong
	withSpec                  // any change of the spec
	withAnyWrite              // any but of the status
	withStatus                // the status too: the operator can no longer say what it sees
)

// stuckness tells the limits that must not be added to a version that is in use from those that may.
func stuckness(trial trial) stuck {
	readByARule := []string{"spec.cloudAPI", "spec.store.embedded.size", "spec.receiver.autoscaling.maxReplicas"}
	listKeysAndRoot := []string{
		"spec", "spec.bird.endpoints[].method", "spec.processing.errorPolicies[].code",
		"spec.cloudAPI.appSecretSecretRefs[].name", "spec.cloudAPI.appSecretSecretRefs[].key",
	}

	missing := trial.message == "Required value"
	switch {
	case slices.Contains(readByARule, trial.field) && (missing || strings.HasPrefix(trial.message, "should match")):
		return withStatus // a rule that cannot be computed is always a refusal
	case slices.Contains(listKeysAndRoot, trial.field) && missing:
		return withAnyWrite
	case trial.field == "spec", trial.field == "spec.bird":
		return withSpec // a rule is asked again when anything below the field that it sits on changes
	default:
		return withItself
	}
}

// refusedTrials are one for each limit.
func refusedTrials() []trial {
	type limit struct{ field, message string }

	seen := map[limit]bool{}

	var refused []trial
	for _, trial := range trials() {
		limit := limit{trial.field, trial.message}
		if trial.message != "" && !seen[limit] {
			seen[limit] = true

			refused = append(refused, trial)
		}
	}

	return refused
}

// changeForTheWorse changes what the trial is refused for to something else that is to be refused. It tells whether
// there is such a thing: what is missing or empty can only become better, and in an object that has an item twice the
// API server looks for no other that is.
func changeForTheWorse(spec map[string]any, trial trial) bool {
	inside := map[string]string{
		"spec":                            `{processing: {handoffSeconds: 5}}`,
		"spec.cloudAPI.subscription":      `{cloudAPI: {subscription: {fields: [messages]}}}`,
		"spec.processing.retry":           `{processing: {retry: {maxRetries: 7}}}`,
		"spec.processing.errorPolicies[]": `{processing: {errorPolicies: [{code: 2}]}}`,
		"spec.receiver":                   `{receiver: {logLevel: Warn}}`,
		"spec.receiver.autoscaling":       `{receiver: {autoscaling: {maxReplicas: 2}}}`,
		"spec.store":                      `{store: {retentionDays: 7}}`,
		"spec.store.embedded":             `{store: {embedded: {size: 0Mi}}}`,
	}

	if strings.HasPrefix(trial.message, "should have at least") || trial.message == "Required value" || trial.message == "Duplicate value" {
		return false
	}

	if patch, ok := inside[trial.field]; ok {
		merge(spec, tree(patch))
		return true
	}

	path := strings.Split(strings.TrimPrefix(trial.field, "spec."), ".")
	switch value := lookUp(spec, path).(type) {
	case string:
		return value != "" && replace(spec, path, value+"!")
	case int64:
		if strings.Contains(trial.message, "greater") {
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

func wantRefused(t *testing.T, what string, err error, refused bool) {
	t.Helper()

	switch {
	case err != nil && !apierrors.IsInvalid(err):
		t.Errorf("%s: %v", what, err)
	case err != nil && !refused:
		t.Errorf("%s is refused: %v", what, err)
	case err == nil && refused:
		t.Errorf("%s is accepted; want a refusal", what)
	}
}

// withoutLimits returns the schema with its structure alone.
func withoutLimits(schema schemaProps) schemaProps {
	bare := schemaProps{
		Type:         schema.Type,
		AnyOf:        schema.AnyOf,
		XIntOrString: schema.XIntOrString,
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
