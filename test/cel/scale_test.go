// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cel

import (
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

// TestScaleIsUndone scales a resource without its own number as kubectl scale and autoscalers do, and takes the number
// away again.
func TestScaleIsUndone(t *testing.T) {
	t.Parallel()
	namespace := server.NewNamespace(t)

	for _, spec := range []string{`{}`, `{receiver: {}}`, `{receiver: {logLevel: Info}}`} {
		for _, undo := range []string{`{spec: {receiver: {replicas: null}}}`, `{spec: {receiver: null}}`} {
			object := newObject(v1alpha1.SchemeGroupVersion, namespace, specOf(spec, `{store: {postgreSQL: {urlSecretRef: {name: db, key: url}}}}`))
			if err := strict().Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}

			scale := &unstructured.Unstructured{}
			scale.SetGroupVersionKind(autoscalingv1.SchemeGroupVersion.WithKind("Scale"))

			// The API server reads an integer below spec, and there is none before the first scaling.
			if err := server.SubResource("scale").Get(t.Context(), object.DeepCopy(), scale.DeepCopy()); err == nil {
				t.Error("the scale of a resource without a number was read; docs/resource.md says that it cannot be")
			}

			if err := server.SubResource("scale").Patch(t.Context(), object.DeepCopy(), mergePatch(t, `{spec: {replicas: 3}}`), client.WithSubResourceBody(scale)); err != nil {
				t.Fatal(err)
			}

			if err := server.SubResource("scale").Get(t.Context(), object.DeepCopy(), scale); err != nil {
				t.Fatal(err)
			}

			if replicas, _, err := unstructured.NestedInt64(scale.Object, "spec", "replicas"); err != nil || replicas != 3 {
				t.Errorf("%s is scaled to %d; want 3 (%v)", spec, replicas, err)
			}

			if err := strict().Patch(t.Context(), object.DeepCopy(), mergePatch(t, undo)); err != nil {
				t.Errorf("%s, scaled, and then %s: %v", spec, undo, err)
			}
		}
	}
}
