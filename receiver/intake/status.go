// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// statusLanes is the number of lanes over which the statuses of a phone number are spread, to be processed in parallel.
const statusLanes = 64

// statusEvent returns an event of class Statuses. Its key is the phone number, message, status, participant and type, and for a
// payment also the attempt, capture or refund. The store applies the status when it stores the event. The event then handles
// a failed status, or reports the status to the AI. If the method is disabled, other statuses are stored as done.
func statusEvent(item whatsapp.Item, settings config.Config, now time.Time) store.Event {
	status, err := whatsapp.ParseStatus(item.Raw)
	if err != nil || status.MessageID == "" || status.Status == "" {
		return skippedEvent(store.KindUnknown, item, now)
	}

	number := string(item.Metadata.PhoneNumberID)
	messageID := string(status.MessageID)
	participant := string(status.Participant)

	update := &store.StatusUpdate{
		PhoneNumberID: number,
		MessageID:     messageID,
		Participant:   participant,
		Type:          truncate(string(status.Type)),
		Status:        truncate(string(status.Status)),
		Rank:          status.Rank(),
		At:            whatsapp.UnixTime(status.Timestamp, now),
		ErrorCode:     status.ErrorCode,
	}
	if event, part, resend, ok := whatsapp.ParseCallback(string(status.Callback)); ok {
		if id, err := store.ParseID(event); err == nil {
			update.ReplyTo = id
			update.ReplyPart = part
			update.ReplyResend = resend
			update.ReplyFallback = whatsapp.IsFallbackCallback(string(status.Callback))
		}
	}

	state := store.Pending
	if !status.IsFailed() && !settings.ReportsStatuses() {
		state = store.Done
	}

	key := []string{number, messageID, string(status.Status), participant, string(status.Type)}
	if payment := status.PaymentKey(); payment != "" {
		key = append(key, payment)
	}

	lane, aliases := statusLane(status, number)

	return store.Event{
		ID:      store.NewID(store.KindStatus, key...),
		Kind:    store.KindStatus,
		Type:    update.Status,
		Status:  update,
		State:   state,
		Class:   store.Statuses,
		Lane:    lane,
		Aliases: aliases,
	}
}

// StatusID returns the id of the event of a status of a message to a person.
func StatusID(number, messageID, status string) store.ID {
	return store.NewID(store.KindStatus, number, messageID, status, "", "")
}

// statusLane returns the lane of the conversation for a failed status, with the aliases of the person: a failure may concern
// the person. All other statuses are spread by message. A failed status never waits behind a report to the AI.
func statusLane(status whatsapp.Status, number string) (lane string, aliases []string) {
	if !status.IsFailed() {
		return ReportLane(number, string(status.MessageID)), nil
	}

	if lane, aliases = status.Conversation(number); lane != "" {
		return lane, aliases
	}

	return spread("failed:"+number, string(status.MessageID)), nil
}

// ReportLane returns the lane of the events that report the statuses of a message to the AI.
func ReportLane(number, messageID string) string { return spread(store.ReportLane+number, messageID) }

// ownReportPrefix begins the lanes of reports that wait apart from others.
const ownReportPrefix = store.ReportLane + "own:"

// FirstReport is the event that reported a status before its report got its own lane. The AI and the gate know the report
// by it.
type FirstReport struct {
	Event    store.ID
	Replays  int
	Attempts int
}

// OwnReportLane returns the lane of a report of a status that has failed before as another event. Nothing else waits in it.
func OwnReportLane(first FirstReport) string {
	return fmt.Sprintf("%s%s:%d:%d", ownReportPrefix, first.Event, first.Replays, first.Attempts)
}

// ParseOwnReportLane parses the result of [OwnReportLane]. It reports false for any other lane.
func ParseOwnReportLane(lane string) (FirstReport, bool) {
	rest, isOwn := strings.CutPrefix(lane, ownReportPrefix)
	if !isOwn { // as of nearly all events, which are asked about it several times
		return FirstReport{}, false
	}

	parts := strings.Split(rest, ":")
	if len(parts) != 3 {
		return FirstReport{}, false
	}

	event, errEvent := store.ParseID(parts[0])
	replays, errReplays := strconv.Atoi(parts[1])
	attempts, errAttempts := strconv.Atoi(parts[2])

	if errors.Join(errEvent, errReplays, errAttempts) != nil {
		return FirstReport{}, false
	}

	return FirstReport{
		Event:    event,
		Replays:  replays,
		Attempts: attempts,
	}, true
}

// IsOwnReportLane reports whether a lane is one of OwnReportLane.
func IsOwnReportLane(lane string) bool { return strings.HasPrefix(lane, ownReportPrefix) }

// IsReportLane reports whether a lane is one of ReportLane or OwnReportLane.
func IsReportLane(lane string) bool { return strings.HasPrefix(lane, store.ReportLane) }

// ThreadLane returns the lane of the event that passes a conversation to another responder. It is not the conversation's,
// so that a failure delays no message.
func ThreadLane(number string, message store.ID) string {
	return spread("thread:"+number, message.String())
}

// DeadlineLane returns the lane of an answer deadline. Each deadline has its own lane, because it waits.
func DeadlineLane(question store.ID) string { return "deadline:" + question.String() }

// spread returns one of statusLanes lanes.
func spread(prefix, messageID string) string {
	hash := store.NewID(store.KindMessage, messageID)
	return fmt.Sprintf("%s:%d", prefix, hash[0]%statusLanes)
}

// errorEvent is an error that Meta reports about a phone number, not about a message.
func errorEvent(item whatsapp.Item, now time.Time) store.Event {
	if _, err := whatsapp.ParseErrorCode(item.Raw); err != nil {
		return skippedEvent(store.KindUnknown, item, now)
	}

	event := skippedEvent(store.KindError, item, now)
	event.State = store.Pending
	event.Class = store.Statuses
	event.Lane = "errors:" + string(item.Metadata.PhoneNumberID)

	return event
}
