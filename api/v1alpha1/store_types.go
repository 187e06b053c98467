// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
)

// StoreSpec is where events are kept before they are acknowledged to Meta.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:AtMostOneOf=embedded;postgreSQL
type StoreSpec struct {
	// embedded is a database file on a volume of the receiver's own: nothing else to run, one replica.
	// +optional
	Embedded *EmbeddedStore `json:"embedded,omitempty"`

	// postgreSQL is a database of yours, which several receivers share: replicas, rolling updates and autoscaling.
	// A store left behind by a switch is not emptied: work off what is pending first. Absent: the
	// embedded store.
	// +optional
	PostgreSQL PostgreSQLStore `json:"postgreSQL,omitzero"`

	// retentionDays is how long the payloads of finished events are kept. Dead letters stay until they are handled.
	// Absent: 30.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	RetentionDays int32 `json:"retentionDays,omitempty"`
}

// EmbeddedStore is a database file on a volume of the receiver's own. The volume is deleted with the resource.
//
// +kubebuilder:validation:MinProperties=0
// +kubebuilder:validation:XValidation:rule="!has(self.size) || quantity(string(self.size)).isGreaterThan(quantity('0'))",message="size must be more than 0, such as 10Gi"
type EmbeddedStore struct {
	// size of the volume. It can grow, when its storage class allows that, but not shrink. Absent: 10Gi.
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`

	// storageClassName of the volume; "" asks for a volume without a class. It cannot change. Absent: the cluster's
	// default class.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`
}

// PostgreSQLStore is a PostgreSQL database, from version 14 on. The receiver makes its tables itself.
type PostgreSQLStore struct {
	// urlSecretRef holds the URL, such as postgres://user:password@host:5432/database?sslmode=verify-full. A changed
	// password is used at once.
	// +required
	URLSecretRef SecretKeyReference `json:"urlSecretRef,omitzero"`

	// caSecretRef holds the certificate of the authority, as PEM, that signs the server's. Absent: those of the system.
	// +optional
	CASecretRef SecretKeyReference `json:"caSecretRef,omitzero"`

	// maxConnections bounds the connections of one receiver. Absent: 16.
	// +optional
	// +kubebuilder:validation:Minimum=4
	// +kubebuilder:validation:Maximum=1000
	MaxConnections int32 `json:"maxConnections,omitempty"`
}
