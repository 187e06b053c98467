// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

const (
	labelName      = "app.kubernetes.io/name"
	labelInstance  = "app.kubernetes.io/instance"
	labelManagedBy = "app.kubernetes.io/managed-by"
	labelComponent = "app.kubernetes.io/component"
	// labelDomain begins the labels by which the operator decides. Users cannot set them.
	labelDomain = "whatsapp.wawebhook.dev/"
	// labelWhenDeleted has a value of WhenDeleted, on a claim that stays when its resource is deleted.
	labelWhenDeleted = labelDomain + "when-deleted"

	appName = "whatsapp-webhook-receiver"
	// operatorName is also the name label of the operator's own pods.
	operatorName = "whatsapp-webhook-operator"

	// annotationStartHash rolls the pods when a setting changes that the receiver reads at start only. The receiver takes
	// over any other setting, and every Secret, while it runs.
	annotationStartHash = "whatsapp.wawebhook.dev/start-settings-hash"
)

// adminLabels distinguish the admin Service from the public one.
var adminLabels = map[string]string{labelComponent: "admin"}

// Managed selects every object that [Render] returns, for all resources.
func Managed() labels.Selector {
	return labels.SelectorFromSet(labels.Set{labelManagedBy: operatorName})
}

// Receivers selects the pods of all receivers.
func Receivers() labels.Selector {
	return labels.SelectorFromSet(labels.Set{labelName: appName})
}

// Operators selects the pods of operators.
func Operators() labels.Selector {
	return labels.SelectorFromSet(labels.Set{labelName: operatorName})
}

// BelongsTo reports whether the labels are those of an object that was rendered for the resource.
func BelongsTo(objectLabels map[string]string, resource string) bool {
	return objectLabels[labelManagedBy] == operatorName && objectLabels[labelInstance] == Name(resource)
}

// IsRetained reports whether an object of the kind stays when its resource is deleted. Only a claim does, by its label.
func IsRetained(kind string, objectLabels map[string]string) bool {
	return kind == "PersistentVolumeClaim" && objectLabels[labelWhenDeleted] == string(v1alpha1.WhenDeletedRetain)
}

// SelectorLabels returns the labels that select the receiver pods of a resource by its [Name]. They never change: the
// selector of a Deployment is immutable.
func SelectorLabels(name string) map[string]string {
	return map[string]string{labelName: appName, labelInstance: name}
}

// Instance returns the name of the resource's objects from the labels of a pod.
func Instance(pod map[string]string) string { return pod[labelInstance] }

func (p Params) selectorLabels() map[string]string {
	return SelectorLabels(p.name)
}

// labels returns the labels of an object: those of commonMetadata, those of a more specific field, and the operator's own.
// Later ones win.
func (p Params) labels(specific ...map[string]string) map[string]string {
	wanted := merge(p.webhook.Spec.CommonMetadata.Labels, merge(specific...))
	return merge(withoutDomain(wanted), p.selectorLabels(), map[string]string{labelManagedBy: operatorName})
}

// withoutDomain returns the labels of a user without those by which the operator decides.
func withoutDomain(wanted map[string]string) map[string]string {
	kept := maps.Clone(wanted)
	maps.DeleteFunc(kept, func(key, _ string) bool { return strings.HasPrefix(key, labelDomain) })

	return kept
}

// annotations returns the annotations of an object: those of commonMetadata, and those of more specific fields, which win.
func (p Params) annotations(specific ...map[string]string) map[string]string {
	return merge(p.webhook.Spec.CommonMetadata.Annotations, merge(specific...))
}

// merge returns a new map in which later entries win.
func merge(from ...map[string]string) map[string]string {
	merged := map[string]string{}
	for _, entries := range from {
		maps.Copy(merged, entries)
	}

	return merged
}
