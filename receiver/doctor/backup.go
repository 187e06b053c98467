// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/backup"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// diagnoseBackup checks that the scheduled backups can be listed where they are stored. Nothing is written there.
func (r *run) diagnoseBackup(ctx context.Context) finding {
	embedded := r.settings.Store.Embedded
	if embedded == nil || embedded.Backup == nil {
		return skip("store.embedded.backup is not set")
	}

	secrets := r.settings.Secrets

	switch s3 := embedded.Backup.S3; {
	case s3 == nil && r.Process == nil:
		return skip("the volume of the backups is that of the receiver, which does not run here")
	case s3 != nil && (secrets.BackupKeyID == "" || secrets.BackupSecret == ""):
		return skip("the secret %s or %s is missing", config.RoleBackupKeyID, config.RoleBackupSecret)
	}

	ctx, cancel := r.call(ctx)
	defer cancel()

	target, err := backup.OpenTarget(embedded.Backup, secrets)
	if err != nil {
		return diagnoseTarget(err)
	}
	defer target.Close()

	files, err := target.List(ctx)
	if err != nil {
		return diagnoseTarget(err)
	}

	copies := backup.Complete(files, r.Clock.Now())
	if len(copies) == 0 {
		return ok("the backups can be listed; there is none yet")
	}

	return ok("the backups can be listed: %d, the newest of %s", len(copies), copies[0].At.Format(time.RFC3339))
}

// diagnoseTarget returns the finding for a failure to list the copies. Its text is safe to show.
func diagnoseTarget(err error) finding {
	const meanwhile = "; no backups are made meanwhile"

	failed, ofBucket := errors.AsType[*failure.Error](err)

	switch {
	case !ofBucket:
		return warn("look at the volume of store.embedded.backup.volume"+meanwhile, "%v", err)
	case failed.Class == failure.Configuration:
		return warn("correct store.embedded.backup.s3 or the Secrets of its keys"+meanwhile, "%v", err)
	default:
		return warn("check store.embedded.backup.s3.endpoint, that the store runs, DNS, NetworkPolicies and its certificate"+meanwhile, "%v", err)
	}
}
