// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
)

// StoreSpec configures where events are stored before they are acknowledged to Meta.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:AtMostOneOf=embedded;postgreSQL
type StoreSpec struct {
	// embedded is a database file on the receiver's own volume. It requires no other software and allows one replica.
	// +optional
	Embedded *EmbeddedStore `json:"embedded,omitempty"`

	// postgreSQL is an existing database that several receivers share. It allows several replicas, rolling updates and
	// autoscaling. Switching the store leaves the pending events in the old one: let them be processed first. If not set,
	// the embedded store is used.
	// +optional
	PostgreSQL PostgreSQLStore `json:"postgreSQL,omitzero"`

	// retentionDays is the time the payloads of finished events are stored. Dead letters stay until they are handled.
	// Defaults to 30.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	RetentionDays int32 `json:"retentionDays,omitempty"`
}

// EmbeddedStore configures a database file on the receiver's own volume. The volume is deleted with the resource.
//
// +kubebuilder:validation:MinProperties=0
// +kubebuilder:validation:XValidation:rule="!has(self.size) || quantity(string(self.size)).isGreaterThan(quantity('0'))",message="size must be greater than 0, such as 10Gi"
type EmbeddedStore struct {
	// size is the size of the volume. It can grow if the storage class allows expansion, but it cannot shrink. Defaults
	// to 10Gi.
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`

	// storageClassName is the storage class of the volume; "" requests a volume without a class. It is immutable.
	// Defaults to the cluster's default class.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`
}

// PostgreSQLStore configures a PostgreSQL database, version 14 or later. The receiver creates its tables itself.
type PostgreSQLStore struct {
	// urlSecretRef refers to the URL, such as postgres://user:password@host:5432/database?sslmode=verify-full. A changed
	// password takes effect without a restart.
	// +required
	URLSecretRef SecretKeyReference `json:"urlSecretRef,omitzero"`

	// caSecretRef refers to the CA certificate of the database server, as PEM. Defaults to the certificate authorities of
	// the system.
	// +optional
	CASecretRef SecretKeyReference `json:"caSecretRef,omitzero"`

	// maxConnections limits the connections of one receiver. Defaults to 16.
	// +optional
	// +kubebuilder:validation:Minimum=4
	// +kubebuilder:validation:Maximum=1000
	MaxConnections int32 `json:"maxConnections,omitempty"`
}
