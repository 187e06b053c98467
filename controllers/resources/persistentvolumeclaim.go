// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
)

const defaultStoreSize = 10 << 30

// ClaimName returns the name of the claim that the receiver of a resource mounts, and "" if the store has none.
func ClaimName(webhook *v1alpha1.WhatsAppWebhook) string {
	switch {
	case shared(webhook.Spec.Store):
		return ""
	case ExistingClaim(webhook) != "":
		return ExistingClaim(webhook)
	default:
		return Name(webhook.Name) + suffixStore
	}
}

// ExistingClaim returns the name of the user's claim that the resource refers to, and "" if it refers to none.
func ExistingClaim(webhook *v1alpha1.WhatsAppWebhook) string {
	if shared(webhook.Spec.Store) || webhook.Spec.Store.Embedded == nil {
		return ""
	}

	return webhook.Spec.Store.Embedded.ExistingClaim
}

// DeletesClaim reports whether the claim of the store is deleted with the resource.
func DeletesClaim(webhook *v1alpha1.WhatsAppWebhook) bool {
	if shared(webhook.Spec.Store) || ExistingClaim(webhook) != "" {
		return false
	}

	return webhook.Spec.Store.Embedded == nil || webhook.Spec.Store.Embedded.WhenDeleted != v1alpha1.WhenDeletedRetain
}

// persistentVolumeClaim is the volume of the embedded store. Only the request of a claim can change, and only grow: the API
// server rejects all else.
func persistentVolumeClaim(p Params) Object {
	if shared(p.webhook.Spec.Store) || ExistingClaim(p.webhook) != "" {
		return nil
	}

	embedded := v1alpha1.EmbeddedStore{}
	if p.webhook.Spec.Store.Embedded != nil {
		embedded = *p.webhook.Spec.Store.Embedded
	}

	size := resource.NewQuantity(defaultStoreSize, resource.BinarySI)
	if embedded.Size != nil {
		size = embedded.Size
	}

	spec := corev1ac.PersistentVolumeClaimSpec().
		WithAccessModes(corev1.ReadWriteOnce).
		WithResources(corev1ac.VolumeResourceRequirements().
			WithRequests(corev1.ResourceList{corev1.ResourceStorage: *size}))
	if embedded.StorageClassName != nil {
		spec.WithStorageClassName(*embedded.StorageClassName)
	}

	if source := embedded.DataSource; source.Name != "" {
		spec.WithDataSource(dataSource(source.APIGroup, string(source.Kind), source.Name))
	}

	claim := corev1ac.PersistentVolumeClaim(ClaimName(p.webhook), p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(p.annotations()).
		WithSpec(spec)
	if embedded.WhenDeleted == v1alpha1.WhenDeletedRetain {
		claim.WithLabels(map[string]string{labelWhenDeleted: string(v1alpha1.WhenDeletedRetain)})
	}

	return claim
}

func dataSource(group, kind, name string) *corev1ac.TypedLocalObjectReferenceApplyConfiguration {
	source := corev1ac.TypedLocalObjectReference().WithKind(kind).WithName(name)
	if group != "" {
		source.WithAPIGroup(group)
	}

	return source
}
