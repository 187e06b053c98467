// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/wawebhook/whatsapp-webhook-operator/controllers/resources"
)

// addScaledObject registers the kind.
func addScaledObject(scheme *runtime.Scheme) {
	group := resources.ScaledObjectKind.GroupVersion()
	scheme.AddKnownTypes(group, &ScaledObject{}, &ScaledObjectList{})
	metav1.AddToGroupVersion(scheme, group)
}

// ScaledObject is KEDA's ScaledObject with the fields of its status that the operator reads:
// https://keda.sh/docs/latest/reference/scaledobject-spec
type ScaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Status ScaledObjectStatus `json:"status"`
}

// ScaledObjectStatus is the status of a ScaledObject.
type ScaledObjectStatus struct {
	Conditions []ScaledObjectCondition `json:"conditions"`
}

// ScaledObjectCondition is a condition of a ScaledObject. KEDA's have no transition times.
type ScaledObjectCondition struct {
	Type    string                 `json:"type"`
	Status  corev1.ConditionStatus `json:"status"`
	Reason  string                 `json:"reason"`
	Message string                 `json:"message"`
}

// DeepCopyObject implements runtime.Object.
func (s *ScaledObject) DeepCopyObject() runtime.Object {
	if s == nil {
		return nil
	}

	copied := &ScaledObject{}
	s.deepCopyInto(copied)

	return copied
}

func (s *ScaledObject) deepCopyInto(copied *ScaledObject) {
	copied.TypeMeta = s.TypeMeta

	metadata := s.ObjectMeta
	metadata.DeepCopyInto(&copied.ObjectMeta)

	copied.Status.Conditions = slices.Clone(s.Status.Conditions)
}

// ScaledObjectList is a list of ScaledObjects.
type ScaledObjectList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []ScaledObject `json:"items"`
}

// DeepCopyObject implements runtime.Object.
func (l *ScaledObjectList) DeepCopyObject() runtime.Object {
	if l == nil {
		return nil
	}

	copied := &ScaledObjectList{TypeMeta: l.TypeMeta, Items: make([]ScaledObject, len(l.Items))}

	metadata := l.ListMeta
	metadata.DeepCopyInto(&copied.ListMeta)

	for i := range l.Items {
		l.Items[i].deepCopyInto(&copied.Items[i])
	}

	return copied
}
