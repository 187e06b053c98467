// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
)

// StoreSpec configures where events are stored before they are acknowledged to Meta.
//
// +kubebuilder:validation:AtMostOneOf=embedded;postgreSQL
type StoreSpec struct {
	// embedded is a database file on the receiver's own volume. It requires no other software and allows one replica.
	// +optional
	Embedded *EmbeddedStore `json:"embedded,omitempty"`

	// postgreSQL is an existing database that several receivers share. It allows several replicas, rolling updates and
	// autoscaling. Switching the store leaves all events in the old one: docs/resource.md says how to move them. If not set,
	// the embedded store is used.
	// +optional
	PostgreSQL PostgreSQLStore `json:"postgreSQL,omitzero"`

	// retentionDays is the number of days for which the payloads of finished events are stored. Defaults to 30.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	RetentionDays int32 `json:"retentionDays,omitempty"`

	// deadLetterDays is the number of days for which dead letters and quarantined events are stored, unless they are replayed
	// or discarded. They are announced for 7 days before they are purged, or for the last quarter of deadLetterDays if that is
	// less. The maximum is ten years. Defaults to 90.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	DeadLetterDays int32 `json:"deadLetterDays,omitempty"`

	// encryption encrypts the messages of people and the answers in the store. If not set, they are stored in clear text.
	// +optional
	Encryption StoreEncryption `json:"encryption,omitzero"`
}

// StoreEncryption encrypts payloads, replies and transcripts in the store with AES-256-GCM.
type StoreEncryption struct {
	// keySecretRefs refer to the keys: 32 random bytes in base64 each. The first one encrypts, all decrypt, and values in clear
	// text stay readable. To rotate: put the new key first; with several replicas, add it as the last one before that, and wait
	// until all pods have it. Remove the old one after retentionDays, deadLetterDays and 7 days together, and when no older
	// message is pending or a dead letter. Without a key, its values cannot be read by anyone: keep copies of the keys, apart
	// from the backups.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	KeySecretRefs []SecretKeyReference `json:"keySecretRefs,omitempty"`
}

// EmbeddedStore configures a database file on the receiver's own volume, for which the operator creates a claim.
//
// +kubebuilder:validation:MinProperties=0
// +kubebuilder:validation:XValidation:rule="!has(self.size) || string(self.size).matches('[eE][+-]?[0-9]{3}') || quantity(string(self.size)).compareTo(quantity('100Mi')) >= 0",message="size must be at least 100Mi, and has a unit, such as 10Gi: a number alone is in bytes"
// +kubebuilder:validation:XValidation:rule="!has(self.existingClaim) || !(has(self.size) || has(self.storageClassName) || has(self.whenDeleted) || has(self.dataSource))",message="size, storageClassName, whenDeleted and dataSource must not be set with existingClaim: that claim is yours"
// +kubebuilder:validation:XValidation:rule="!has(self.existingClaim) || !has(self.backup) || !has(self.backup.volume) || !has(self.backup.volume.existingClaim) || self.backup.volume.existingClaim != self.existingClaim",message="backup.volume.existingClaim must not be the claim of the store, with which the backups would be lost"
type EmbeddedStore struct {
	// size is the size of the volume, at least 100Mi. A volume can grow if its storage class allows expansion, and never
	// shrinks. Defaults to 10Gi.
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`

	// storageClassName is the storage class of the volume; "" requests a volume without a class. A volume keeps its class: the
	// API server refuses another one later, and a claim keeps its class when the field is removed. Defaults to the cluster's
	// default class.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`

	// whenDeleted selects what happens to the claim when the resource is deleted. Delete: it is deleted too, with all events
	// in it. Retain: it stays, and a new resource of the same name uses it. Defaults to Delete.
	// +optional
	WhenDeleted WhenDeleted `json:"whenDeleted,omitempty"`

	// existingClaim is the name of a claim of your own, with the access mode ReadWriteOnce or ReadWriteOncePod. The operator
	// neither creates, changes nor deletes it. If not set, the operator creates a claim.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a PersistentVolumeClaim: lower case letters, digits, - and ."
	ExistingClaim string `json:"existingClaim,omitempty"`

	// dataSource is the content of a new volume: a snapshot or another claim, in the namespace of the resource. It has an
	// effect only when the claim is created. If not set, a new volume is empty.
	// +optional
	DataSource StoreDataSource `json:"dataSource,omitzero"`

	// backup backs the store up regularly to a bucket or another volume. If not set, no backups are made.
	// +optional
	Backup StoreBackup `json:"backup,omitzero"`
}

// WhenDeleted selects what happens to the claim of the embedded store when the resource is deleted.
//
// +k8s:enum
type WhenDeleted string

// What happens to the claim.
const (
	WhenDeletedDelete WhenDeleted = "Delete"
	WhenDeletedRetain WhenDeleted = "Retain"
)

// StoreDataSource refers to the content of a new volume, as the dataSource of a PersistentVolumeClaim does.
//
// +kubebuilder:validation:XValidation:rule="!has(self.kind) || (self.kind == 'VolumeSnapshot' ? has(self.apiGroup) && self.apiGroup == 'snapshot.storage.k8s.io' : !has(self.apiGroup))",message="apiGroup must be snapshot.storage.k8s.io for a VolumeSnapshot, and must not be set for a PersistentVolumeClaim"
type StoreDataSource struct {
	// apiGroup is the API group of the kind: snapshot.storage.k8s.io for a VolumeSnapshot. If not set, kind must be
	// PersistentVolumeClaim.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	APIGroup string `json:"apiGroup,omitempty"`

	// kind is the kind of the source. A VolumeSnapshot requires a CSI driver that supports snapshots.
	// +required
	Kind StoreDataSourceKind `json:"kind,omitempty"`

	// name is the name of the source.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of the source: lower case letters, digits, - and ."
	Name string `json:"name,omitempty"`
}

// StoreDataSourceKind is a kind of object from which a new volume gets its content.
//
// +k8s:enum
type StoreDataSourceKind string

// The kinds of data sources.
const (
	StoreDataSourceVolumeSnapshot        StoreDataSourceKind = "VolumeSnapshot"
	StoreDataSourcePersistentVolumeClaim StoreDataSourceKind = "PersistentVolumeClaim"
)

// PostgreSQLStore configures a PostgreSQL database, version 14 or later. The receiver creates its tables itself.
type PostgreSQLStore struct {
	// urlSecretRef refers to the URL, such as postgres://user:password@host:5432/database. The connection is encrypted and
	// the certificate of the server verified, unless the URL has an sslmode that does not require it. A changed password
	// takes effect without a restart.
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
