// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"slices"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// The steps of an event.
const (
	stepWritten  = "written"  // the person sent the message, by Meta's clock
	stepReceived = "received" // the delivery was stored
	stepFailed   = "attempt_failed"
	stepSend     = "send_started" // the last send of a part of the answer
	stepStatus   = "status"       // Meta reported how far a part of the answer got
	stepRelated  = "related"      // the event caused another one
	stepFinished = "finished"
)

// Step is something that happened to an event.
type Step struct {
	At     time.Time `json:"at"`
	Step   string    `json:"step"`
	Part   *int      `json:"part,omitempty"`   // of the answer
	Status string    `json:"status,omitempty"` // of a part; of finished: the state of the event
	Class  string    `json:"class,omitempty"`  // of a failure
	Code   string    `json:"code,omitempty"`   // of a failure
	Text   string    `json:"text,omitempty"`   // of a failure; it names no person
	Spent  bool      `json:"spent,omitempty"`  // the failed attempt counted
	Event  string    `json:"event,omitempty"`  // id of the related event
	Kind   string    `json:"kind,omitempty"`   // of the related event
	Type   string    `json:"type,omitempty"`   // of the related event
}

// steps returns the steps of an event, by time. The beginning of an attempt is not stored, except for that of a send. Of one
// millisecond, a send comes before its failure.
func steps(of *store.EventDetail, related []store.Record) []Step {
	event := of.Event
	all := []Step{{Step: stepReceived, At: event.ReceivedAt}}

	if at, ok := writtenAt(event); ok {
		all = append(all, Step{Step: stepWritten, At: at})
	}

	parts := map[string]int{}

	for _, reply := range of.Replies {
		if reply.MessageID != "" {
			parts[reply.MessageID] = reply.Part
		}

		if !reply.StartedAt.IsZero() {
			all = append(all, Step{
				Step: stepSend,
				At:   reply.StartedAt,
				Part: new(reply.Part),
			})
		}
	}

	for _, f := range of.Failures {
		all = append(all, Step{
			Step:  stepFailed,
			At:    f.At,
			Class: f.Class,
			Code:  f.Code,
			Text:  f.Text,
			Spent: f.Spent,
		})
	}

	for i := range related {
		all = append(all, relatedStep(&related[i], parts))
	}

	if !of.FinishedAt.IsZero() {
		all = append(all, Step{
			Step:   stepFinished,
			At:     of.FinishedAt,
			Status: string(event.State),
		})
	}

	for i := range all {
		all[i].At = all[i].At.UTC()
	}

	slices.SortStableFunc(all, func(a, b Step) int { return a.At.Compare(b.At) })

	return all
}

// relatedStep returns the step of a related event. That of a status is at the time of the status. parts are the parts of the
// answer by the ids of their messages.
func relatedStep(record *store.Record, parts map[string]int) Step {
	event := record.Event
	step := Step{
		Step:  stepRelated,
		At:    event.ReceivedAt,
		Event: event.ID.String(),
		Kind:  string(event.Kind),
		Type:  event.Type,
	}

	if event.Kind != store.KindStatus {
		return step
	}

	step.Step = stepStatus
	step.Status = event.Type

	item, err := whatsapp.Decode(event.Payload)
	if err != nil { // purged
		return step
	}

	status, err := whatsapp.ParseStatus(item.Raw)
	if err != nil {
		return step
	}

	// Meta's times are in seconds. The end of the second comes after the send in the same second, and the receipt is more exact if it
	// comes before.
	if end := whatsapp.UnixTime(status.Timestamp, event.ReceivedAt).Add(time.Second - time.Millisecond); end.Before(event.ReceivedAt) {
		step.At = end
	}

	if part, ok := parts[string(status.MessageID)]; ok {
		step.Part = &part
	}

	return step
}

// writtenAt returns when the person sent a message, by Meta's clock.
func writtenAt(event store.Event) (time.Time, bool) {
	if event.Kind != store.KindMessage {
		return time.Time{}, false
	}

	item, err := whatsapp.Decode(event.Payload)
	if err != nil {
		return time.Time{}, false
	}

	message, err := item.Message()
	if err != nil {
		return time.Time{}, false
	}

	at := whatsapp.UnixTime(message.Timestamp, time.Time{})

	return at, !at.IsZero()
}

// traceID returns the id of the trace of a stored delivery, or "" if it had none.
//
// Source: W3C Trace Context, traceparent: version-traceid-parentid-flags.
func traceID(payload []byte) string {
	item, err := whatsapp.Decode(payload)
	if err != nil {
		return ""
	}

	fields := strings.Split(item.Trace, "-")
	if len(fields) < 4 {
		return ""
	}

	return fields[1]
}
