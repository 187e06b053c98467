// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import "time"

// Expiry is until when the data that a purge removes had ended. A zero time removes nothing.
type Expiry struct {
	// Payloads is that of the payloads of finished events other than dead letters and quarantined ones, with their
	// transcripts and the bodies of their replies.
	Payloads time.Time
	// DeadLetters is that of dead letters and quarantined events: they are discarded, at the time at which they ended, and
	// lose their payloads like finished events.
	DeadLetters time.Time
	// Events is that of finished events other than dead letters and quarantined ones, with everything attached to them; of
	// idle conversations, under all their names, by their last message and their last takeover, or, of a person who never
	// wrote, by the time at which AIConversationID was recorded; and of pauses.
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
