// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"time"
)

// ErrInProgress means that an event is being processed, so that it cannot be erased now.
var ErrInProgress = errors.New("an event of the person is being processed")

// Identifiers are the values by which the store finds the data of one person.
type Identifiers struct {
	Lanes        []string // of the person's events, with all names
	Texts        []string // that payloads about the person contain
	Participants []string // by which statuses of group messages name the person
	MessageIDs   []string // parts of the ids of messages to the person
	Encrypted    bool     // every event with an encrypted payload, which begins with the byte 1
}

// FoundRecord is an event that has one of the identifiers of a person.
type FoundRecord struct {
	Record
	// OnlyEncrypted reports that the event was found only because its payload is encrypted, so that it may be of anyone.
	OnlyEncrypted bool
	// Unread is the ErrKey or ErrDamaged because of which content of the event is left out; nil if all of it was read. Without
	// its payload, an event that is OnlyEncrypted may be of anyone.
	Unread error
}

// Persons finds and erases the stored data of a person.
type Persons interface {
	// Names returns all names of the person with a name, that of the lane first. A person who is not known has that name.
	Names(ctx context.Context, name string) ([]string, error)

	// FindByIdentifiers returns up to limit events with a Seq greater than after that contain one of the identifiers, in
	// order of arrival, and the Seq to continue after; 0 at the end. It scans at most SearchBudget events, so it may return
	// fewer than limit events, or none, although more exist. An event that cannot be read is among them, as Unread.
	FindByIdentifiers(ctx context.Context, identifiers Identifiers, after int64, limit int) (found []FoundRecord, next int64, err error)

	// Erase removes what events hold: the lane, the payload, and everything attached to them, with the statuses of their
	// answers. A row without content stays, so that no later delivery stores an event again; it is purged as others are. A
	// pending event is discarded at now, as is one in a state of Replayable. It returns how many events it changed.
	//
	// It returns ErrInProgress, and changes nothing, if one of the events is the head of a leased lane, or pending in a
	// leased conversation.
	Erase(ctx context.Context, ids []ID, now time.Time) (int, error)

	// Forget deletes the state and all names of a person. It returns ErrInProgress if the conversation is leased or has
	// pending events, and no error if the person is not known.
	Forget(ctx context.Context, name string) error
}
