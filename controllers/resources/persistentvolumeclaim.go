// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// defaultStoreSize is also the default that the CEL rules of the resource assume.
const defaultStoreSize = 10 << 30

// persistentVolumeClaim is the volume of the embedded store. Only the request of a claim can change, and only grow; the
// CEL rules of the resource enforce both.
func persistentVolumeClaim(p Params) Object {
	if shared(p.webhook.Spec.Store) {
		return nil
	}

	size := resource.NewQuantity(defaultStoreSize, resource.BinarySI)

	embedded := p.webhook.Spec.Store.Embedded
	if embedded != nil && embedded.Size != nil {
		size = embedded.Size
	}

	spec := corev1ac.PersistentVolumeClaimSpec().
		WithAccessModes(corev1.ReadWriteOnce).
		WithResources(corev1ac.VolumeResourceRequirements().
			WithRequests(corev1.ResourceList{corev1.ResourceStorage: *size}))
	if embedded != nil && embedded.StorageClassName != nil {
		spec.WithStorageClassName(*embedded.StorageClassName)
	}

	return corev1ac.PersistentVolumeClaim(p.name+suffixStore, p.webhook.Namespace).
		WithLabels(p.labels()).
		WithAnnotations(p.annotations()).
		WithSpec(spec)
}
