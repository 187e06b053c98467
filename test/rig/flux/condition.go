// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package flux

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Condition returns the condition of an object, or one without a status if the object lacks it.
func Condition(object *unstructured.Unstructured, kind string) metav1.Condition {
	var content struct {
		Status struct {
			Conditions []metav1.Condition `json:"conditions"`
		} `json:"status"`
	}

	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &content); err != nil {
		return metav1.Condition{Message: err.Error()}
	}

	for _, condition := range content.Status.Conditions {
		if condition.Type == kind {
			return condition
		}
	}

	return metav1.Condition{}
}
