// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// storeProblem returns what an administrator has to do about the store, or an empty text.
func (d Dependencies) storeProblem(stats store.Stats) string {
	if stats.Unclaimable {
		return "the file of the store is damaged where it lists what is to be processed: check it with POST /store/check on the console " +
			"port, check the disk, and repair a copy of the file, or restore a backup"
	}

	if stats.Damaged > 0 {
		return fmt.Sprintf("the file of the store is damaged, and %d lanes are blocked: check it with POST /store/check on the "+
			"console port, check the disk, and restart the receiver to retry them", stats.Damaged)
	}

	if stats.DamagedEvents > 0 {
		return fmt.Sprintf("the file of the store is damaged, and %d finished events cannot be purged: check it with POST /store/check "+
			"on the console port, check the disk, and restart the receiver to retry them", stats.DamagedEvents)
	}

	disk, ok := d.Store.(store.Disk)
	if !ok {
		return ""
	}

	if space := disk.Space(); space.Free < space.Reserved {
		return fmt.Sprintf("the disk is nearly full, and deliveries are refused: enlarge the volume, or shorten the retention; "+
			"%d MiB are free of the %d MiB that must be", max(space.Free, 0)>>20, space.Reserved>>20)
	}

	return ""
}
