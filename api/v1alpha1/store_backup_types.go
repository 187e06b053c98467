// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// StoreBackup configures scheduled backups of the embedded store, to a bucket or another volume. A backup is made while the
// receiver runs, and is verified before it counts.
//
// +kubebuilder:validation:ExactlyOneOf=s3;volume
type StoreBackup struct {
	// schedule is the schedule of the backups in UTC: the five fields of cron, such as "0 3 * * *", or a word such as @daily.
	// Backups are at least 15 minutes apart. A backup that was missed because no receiver ran is made at the next start.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[0-9A-Za-z*?/,-]+( +[0-9A-Za-z*?/,-]+){4})$')",message="must be the five fields of cron, such as 0 3 * * *, or @hourly, @daily, @weekly, @monthly or @yearly; times are in UTC"
	Schedule string `json:"schedule,omitempty"`

	// keep is the number of backups to keep. Older backups are deleted before and after each new one. The target needs space
	// for one more. Defaults to 14.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Keep int32 `json:"keep,omitempty"`

	// keepDays is the maximum age of backups in days. Older backups are deleted, except the newest, while a receiver with this
	// setting runs. If not set, only keep applies.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	KeepDays int32 `json:"keepDays,omitempty"`

	// restore is the backup that initializes an empty volume: the name of a backup, such as inbox-20261129T020000Z.db, or
	// Newest. It has no effect on a volume with a store. If no backup exists, Newest starts with an empty store. If the named
	// backup does not exist, or no backup can be downloaded, the receiver is not ready and retries. If not set, the receiver
	// starts with an empty store.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=25
	// +kubebuilder:validation:XValidation:rule="self.matches('^(Newest|inbox-[0-9]{8}T[0-9]{6}Z[.]db)$')",message="must be Newest or the name of a backup, such as inbox-20261129T020000Z.db"
	Restore string `json:"restore,omitempty"`

	// s3 is a bucket of Amazon S3, or of a store that is compatible with it. If not set, volume must be set.
	// +optional
	S3 BackupBucket `json:"s3,omitzero"`

	// volume is another volume. If not set, s3 must be set.
	// +optional
	Volume BackupVolume `json:"volume,omitzero"`
}

// BackupBucket refers to a bucket of Amazon S3, or of a store that is compatible with it. The keys need the permissions to
// list the bucket and its multipart uploads, and to read, write and delete objects below the prefix.
type BackupBucket struct {
	// bucket is the name of the bucket, which must exist.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9][a-z0-9.-]*[a-z0-9]$')",message="must be the name of a bucket: lower case letters, digits, - and ."
	Bucket string `json:"bucket,omitempty"`

	// prefix is the folder in the bucket. Each resource needs one of its own, since it deletes old backups in it. Defaults to
	// the namespace and the name of the resource, such as messaging/sales.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9A-Za-z._-]+(/[0-9A-Za-z._-]+)*$')",message="must be letters, digits, ., _ and -, with / between folders, such as backups/sales"
	Prefix string `json:"prefix,omitempty"`

	// region is the region of the bucket. Defaults to us-east-1.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9A-Za-z-]+$')",message="must be the name of a region, such as eu-central-1"
	Region string `json:"region,omitempty"`

	// endpoint is the URL of the store, such as https://minio.example.com:9000. Defaults to Amazon S3 in the region.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[^/?#@[:space:]]+$') && isURL(self)",message="must be an http or https URL of a host, without a path, such as https://minio.example.com:9000"
	Endpoint string `json:"endpoint,omitempty"`

	// addressing selects where requests name the bucket: in the Path, or in the host name, as VirtualHost. Defaults to
	// VirtualHost for Amazon S3, and to Path for another endpoint.
	// +optional
	Addressing BucketAddressing `json:"addressing,omitempty"`

	// accessKeyIDSecretRef refers to the access key ID.
	// +required
	AccessKeyIDSecretRef SecretKeyReference `json:"accessKeyIDSecretRef,omitzero"`

	// secretAccessKeySecretRef refers to the secret access key.
	// +required
	SecretAccessKeySecretRef SecretKeyReference `json:"secretAccessKeySecretRef,omitzero"`

	// caSecretRef refers to CA certificates, as PEM, that calls to the endpoint trust in addition to those of the system. A
	// changed certificate takes effect without a restart. If not set, only those of the system are trusted.
	// +optional
	CASecretRef SecretKeyReference `json:"caSecretRef,omitzero"`
}

// BucketAddressing selects where requests name the bucket.
//
// +k8s:enum
type BucketAddressing string

// The ways to name a bucket.
const (
	BucketAddressingPath        BucketAddressing = "Path"
	BucketAddressingVirtualHost BucketAddressing = "VirtualHost"
)

// BackupVolume refers to a volume for backups. The pod mounts it beside the store's.
type BackupVolume struct {
	// existingClaim is the name of a claim in the namespace of the resource, other than the store's. Until it exists, the
	// Deployment stays as it is.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a PersistentVolumeClaim: lower case letters, digits, - and ."
	ExistingClaim string `json:"existingClaim,omitempty"`

	// subPath is the folder in the volume. Each resource needs one of its own, since it deletes old backups in it. Defaults to
	// the name of the resource.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9A-Za-z_-][0-9A-Za-z._-]*(/[0-9A-Za-z_-][0-9A-Za-z._-]*)*$')",message="must be the path of a folder in the volume, such as backups/sales"
	SubPath string `json:"subPath,omitempty"`
}
