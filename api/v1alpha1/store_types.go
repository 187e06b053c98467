// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
)

// StoreSpec is where events are kept before they are acknowledged to Meta.
type StoreSpec struct {
	// embedded is a database file on a volume of the receiver's own: nothing else to run, one replica.
	// +optional
	Embedded EmbeddedStore `json:"embedded,omitzero"`

	// retentionDays is how long the payloads of finished events are kept. Dead letters stay until they are handled.
	// Absent: 30.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	RetentionDays int32 `json:"retentionDays,omitempty"`
}

// EmbeddedStore is a database file on a volume of the receiver's own. The volume is deleted with the resource.
//
// +kubebuilder:validation:XValidation:rule="!has(self.size) || quantity(string(self.size)).isGreaterThan(quantity('0'))",message="size must be more than 0, such as 10Gi"
type EmbeddedStore struct {
	// size of the volume. It can grow, when its storage class allows that, but not shrink. Absent: 10Gi.
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`

	// storageClassName of the volume; "" asks for a volume without a class. It cannot change. Absent: the cluster's
	// default class.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`
}
