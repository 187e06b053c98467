// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
)

// The duties: what one of all receivers that share a store does for them all.
const (
	DutySubscription = "subscription" // keeping it at Meta as declared; its note is what was found
	DutyRetention    = "retention"    // dropping what is past its time
)

// MaxDutyNote bounds the note of a duty, in bytes.
const MaxDutyNote = 16 << 10

// ValidateDuty returns an error when a duty has no name or no holder, or too long a note.
func ValidateDuty(duty, holder string, note []byte) error {
	switch {
	case duty == "":
		return errors.New("the duty has no name")
	case holder == "":
		return errors.New("the duty has no holder")
	case len(note) > MaxDutyNote:
		return fmt.Errorf("its note has %d bytes, at most %d are kept", len(note), MaxDutyNote)
	}

	return nil
}
