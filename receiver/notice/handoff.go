// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notice

import (
	"strconv"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

// Handoff is the data of a notice that the AI handed a conversation to people.
type Handoff struct {
	Reason string    `json:"reason,omitempty"` // in the words of the AI
	Until  time.Time `json:"until"`            // end of the AI's silence
}

// HandoffOccurrence returns the occurrence of the notice of a handoff at a time.
func HandoffOccurrence(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

// ReasonID returns the id of the event that keeps the reason of a takeover by a person, by the name of the conversation's
// lane.
func ReasonID(lane string, at time.Time) store.ID {
	return store.NewID(store.KindNotice, TakenOver, lane, HandoffOccurrence(at))
}

// HandoffID returns the id of the notice that announced a handoff of a number's conversation.
func HandoffID(phoneNumberID string, takeover store.Takeover) store.ID {
	return Notice{
		Type:    HandedOff,
		Source:  Number(phoneNumberID),
		Subject: takeover.Event.String(),
	}.Event(HandoffOccurrence(takeover.At)).ID
}
