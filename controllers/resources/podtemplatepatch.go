// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	kjson "sigs.k8s.io/json"
)

// patchPodTemplate returns the template with a strategic merge patch applied. All steps are on JSON, so that the result has
// no fields but those of the template and of the patch.
func patchPodTemplate(
	template *corev1ac.PodTemplateSpecApplyConfiguration,
	patch *runtime.RawExtension,
) (*corev1ac.PodTemplateSpecApplyConfiguration, error) {
	if patch == nil || len(patch.Raw) == 0 {
		return template, nil
	}

	if err := checkPatch(patch.Raw); err != nil {
		return nil, err
	}

	original, err := json.Marshal(template)
	if err != nil {
		return nil, fmt.Errorf("marshal the pod template: %w", err)
	}

	merged, err := strategicpatch.StrategicMergePatch(original, patch.Raw, corev1.PodTemplateSpec{})
	if err != nil {
		reason, _, _ := strings.Cut(err.Error(), ": [") // a part of the template may follow
		return nil, errors.New("cannot be merged: " + reason)
	}

	patched := corev1ac.PodTemplateSpec()
	if err := json.Unmarshal(merged, patched); err != nil {
		return nil, fmt.Errorf("the patched pod template cannot be read: %w", err)
	}

	receiver := -1
	if patched.Spec != nil {
		receiver = slices.IndexFunc(patched.Spec.Containers, isReceiver)
	}

	if receiver < 0 {
		return nil, errors.New("spec.containers: the container " + ContainerName + " must stay")
	}

	// A merge puts new containers first, but kubectl logs shows the first one by default.
	containers := patched.Spec.Containers
	first := containers[receiver]
	patched.Spec.Containers = slices.Insert(slices.Delete(containers, receiver, receiver+1), 0, first)

	return patched, nil
}

func isReceiver(c corev1ac.ContainerApplyConfiguration) bool {
	return c.Name != nil && *c.Name == ContainerName
}

// checkPatch returns an error that names each field of the patch that a pod template does not have, or that has another
// type. A strategic merge takes both, and the result would lack them.
func checkPatch(patch []byte) error {
	var fields any
	if err := json.Unmarshal(patch, &fields); err != nil {
		return fmt.Errorf("is no JSON: %w", err)
	}

	plain, err := json.Marshal(withoutDirectives(fields))
	if err != nil {
		return fmt.Errorf("marshal the patch: %w", err)
	}

	unknown, err := kjson.UnmarshalStrict(plain, &corev1.PodTemplateSpec{})

	return errors.Join(append(unknown, err)...)
}

// withoutDirectives returns the patch without the keys that say how to merge, such as $patch.
func withoutDirectives(node any) any {
	switch node := node.(type) {
	case map[string]any:
		plain := map[string]any{}
		for key, value := range node {
			if !strings.HasPrefix(key, "$") {
				plain[key] = withoutDirectives(value)
			}
		}

		return plain
	case []any:
		plain := make([]any, 0, len(node))
		for _, value := range node {
			plain = append(plain, withoutDirectives(value))
		}

		return plain
	}

	return node
}
