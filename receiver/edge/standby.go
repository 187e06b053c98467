// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/health"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// standbyTTL is the time after the last message on standby for which a phone number is reported. Meta ends the control over
	// a conversation after 24 hours without a message.
	standbyTTL = 24 * time.Hour
	// maxStandbyNumbers bounds the phone numbers that are reported.
	maxStandbyNumbers = 100
)

// standby counts the messages that went to another responder, by phone number.
type standby struct {
	mu      sync.Mutex
	numbers map[string]*health.Standby
}

// record counts a message on standby. A message of a person to this app shows that Meta delivers to it again.
func (s *standby) record(event store.Event) {
	onStandby := intake.StandbyOf(event)
	if event.PhoneNumberID == "" || (!onStandby && event.Kind != store.KindMessage) {
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	switch number := s.numbers[event.PhoneNumberID]; {
	case !onStandby:
		delete(s.numbers, event.PhoneNumberID)
	case number != nil:
		number.Messages++
		number.LastAt = event.ReceivedAt
	case len(s.numbers) < maxStandbyNumbers:
		if s.numbers == nil {
			s.numbers = map[string]*health.Standby{}
		}

		s.numbers[event.PhoneNumberID] = &health.Standby{
			PhoneNumberID: event.PhoneNumberID,
			Messages:      1,
			LastAt:        event.ReceivedAt,
		}
	}
}

// Standby returns the phone numbers whose messages went to another responder in the last 24 hours and not to this app
// since, sorted.
func (e *Edge) Standby() []health.Standby {
	now := e.Clock.Now()
	reported := []health.Standby{}

	e.standby.mu.Lock()
	defer e.standby.mu.Unlock()

	for id, number := range e.standby.numbers {
		if now.Sub(number.LastAt) >= standbyTTL {
			delete(e.standby.numbers, id)
			continue
		}

		reported = append(reported, *number)
	}

	slices.SortFunc(reported, func(a, b health.Standby) int { return strings.Compare(a.PhoneNumberID, b.PhoneNumberID) })

	return reported
}
