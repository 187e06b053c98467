// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	kjson "sigs.k8s.io/json"
)

// maxPatchBytes bounds a patch: the time of a merge grows with the square of the length of a list. The longest one takes about
// a second.
const maxPatchBytes = 64 << 10

// patchPodTemplate returns the template with a strategic merge patch applied. All steps are on JSON, so that the result has
// no fields but those of the template and of the patch.
func patchPodTemplate(
	template *corev1ac.PodTemplateSpecApplyConfiguration,
	patch *runtime.RawExtension,
) (*corev1ac.PodTemplateSpecApplyConfiguration, error) {
	if patch == nil || len(patch.Raw) == 0 {
		return template, nil
	}

	if size := len(patch.Raw); size > maxPatchBytes {
		return nil, fmt.Errorf("has %d bytes; a patch may have %d (64 KiB): leave out what the template has already, and put data into a ConfigMap",
			size, maxPatchBytes)
	}

	if err := checkPatch(patch.Raw); err != nil {
		return nil, err
	}

	original, err := json.Marshal(template)
	if err != nil {
		return nil, fmt.Errorf("marshal the pod template: %w", err)
	}

	merged, err := mergePatch(original, patch.Raw)
	if err != nil {
		return nil, err
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

// mergePatch returns a pod template with the patch merged into it, both as JSON. The merge assumes values that the API server
// never writes, and panics at some others: such a patch cannot be merged either.
func mergePatch(original, patch []byte) (merged []byte, err error) {
	defer func() {
		if recover() != nil {
			merged = nil
			err = errors.New("cannot be merged: one of its directives, such as $patch, has a value that no merge expects")
		}
	}()

	merged, err = strategicpatch.StrategicMergePatch(original, patch, corev1.PodTemplateSpec{})
	if err != nil {
		reason, _, _ := strings.Cut(err.Error(), ": [") // a part of the template may follow
		return nil, errors.New("cannot be merged: " + reason)
	}

	return merged, nil
}

func isReceiver(c corev1ac.ContainerApplyConfiguration) bool {
	return c.Name != nil && *c.Name == ContainerName
}

// checkPatch returns an error that names each field of the patch that a pod template does not have, or that has another
// type, and each directive with a wrong value. A strategic merge takes the fields, and the result would lack them.
func checkPatch(patch []byte) error {
	var fields any
	if err := json.Unmarshal(patch, &fields); err != nil {
		return fmt.Errorf("is not JSON: %w", err)
	}

	withoutDirectives, err := checkDirectives("", fields)
	if err != nil {
		return err
	}

	if err := checkQuantities("", reflect.TypeFor[corev1.PodTemplateSpec](), withoutDirectives); err != nil {
		return err
	}

	plain, err := json.Marshal(withoutDirectives)
	if err != nil {
		return fmt.Errorf("marshal the patch: %w", err)
	}

	unknown, err := kjson.UnmarshalStrict(plain, &corev1.PodTemplateSpec{})

	return errors.Join(append(unknown, err)...)
}
