// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import "time"

// Expiry holds the cutoff times of a purge: it removes data that ended before them. A zero time removes nothing.
type Expiry struct {
	// Payloads is the cutoff for the payloads of finished events, with their transcripts and the bodies of their replies. Dead
	// letters and quarantined events keep theirs.
	Payloads time.Time
	// DeadLetters is the cutoff for dead letters and quarantined events. They are discarded at the time at which they ended,
	// and lose their payloads like finished events.
	DeadLetters time.Time
	// Events is the cutoff for finished events, with everything attached to them, and for pauses. It also applies to idle
	// conversations under all their names: by the last message and the last takeover, or by the time of AIConversationID if
	// the person never wrote. Dead letters and quarantined events stay.
	Events time.Time
}

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
