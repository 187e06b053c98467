// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package resources

import (
	"cmp"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/api/v1alpha1"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
)

// backup returns the wanted backups of the store, or the zero value if there are none.
func backup(wanted v1alpha1.StoreSpec) v1alpha1.StoreBackup {
	if shared(wanted) || wanted.Embedded == nil {
		return v1alpha1.StoreBackup{}
	}

	return wanted.Embedded.Backup
}

// BackupClaim returns the name of the user's claim for the backups of the store, and "" if there is none.
func BackupClaim(webhook *v1alpha1.WhatsAppWebhook) string {
	return backup(webhook.Spec.Store).Volume.ExistingClaim
}

// checkBackupClaim returns an error if the backups would be on the volume of the store. The schema compares two claims of the
// user's only.
func checkBackupClaim(webhook *v1alpha1.WhatsAppWebhook) error {
	claim := BackupClaim(webhook)
	if claim == "" || claim != ClaimName(webhook) {
		return nil
	}

	return fmt.Errorf("spec.store.embedded.backup.volume.existingClaim must not be %s, the claim of the store, with which the backups would be lost", claim)
}

func backupConfig(webhook *v1alpha1.WhatsAppWebhook) *config.Backup {
	wanted := backup(webhook.Spec.Store)
	if wanted.Schedule == "" {
		return nil
	}

	rendered := &config.Backup{
		Schedule: wanted.Schedule,
		Keep:     int(wanted.Keep),
		KeepDays: int(wanted.KeepDays),
		Restore:  wanted.Restore,
	}

	if bucket := wanted.S3; bucket.Bucket != "" {
		rendered.S3 = &config.BackupBucket{
			Endpoint:   bucket.Endpoint,
			Region:     bucket.Region,
			Bucket:     bucket.Bucket,
			Prefix:     cmp.Or(bucket.Prefix, webhook.Namespace+"/"+webhook.Name),
			Addressing: config.BucketAddressing(bucket.Addressing),
		}
	} else {
		rendered.Folder = backupDir
	}

	return rendered
}
