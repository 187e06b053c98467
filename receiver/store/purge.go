// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

// purgeBatch limits the entries that one transaction of a purge changes, so that deliveries do not wait behind it.
const purgeBatch = 100

// PurgeInBatches purges up to limit entries in small transactions, and returns the number purged. It calls purge with the
// size of each batch until purge changes fewer entries, and returns its error.
func PurgeInBatches(limit int, purge func(size int) (int, error)) (int, error) {
	purged := 0

	for purged < limit {
		size := min(limit-purged, purgeBatch)

		n, err := purge(size)
		if err != nil {
			return purged, err
		}

		purged += n

		if n < size {
			break
		}
	}

	return purged, nil
}
