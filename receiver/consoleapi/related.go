// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package consoleapi

import (
	"strconv"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/handoff"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/intake"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/outbound"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

const (
	// maxRelated bounds the related events of an event.
	maxRelated = 200
	// maxReplaysShown bounds the replays of an event whose consequences are looked for, the latest.
	maxReplaysShown = 5
)

// reported are the statuses of a message that Meta reports one after the other.
var reported = []string{"sent", "delivered", "read", "played", "failed"}

// relatedIDs returns the ids that the events caused by an event have, if they exist. handedOff is the takeover of its
// conversation.
func relatedIDs(of *store.EventDetail, handedOff store.Takeover) []store.ID {
	event := of.Event
	subject := event.ID.String()
	source := notice.Number(event.PhoneNumberID)
	noticeID := func(kind, occurrence string) store.ID {
		return notice.Notice{
			Type:    kind,
			Source:  source,
			Subject: subject,
		}.Event(occurrence).ID
	}

	ids := []store.ID{
		noticeID(notice.MessageReceived, ""),
		noticeID(notice.MessageRead, ""),
	}

	if handedOff.Event == event.ID {
		ids = append(ids, notice.HandoffID(event.PhoneNumberID, handedOff))
	}

	for replay := max(0, of.Replays-maxReplaysShown+1); replay <= of.Replays; replay++ {
		occurrence := strconv.Itoa(replay)

		for _, kind := range []string{
			notice.MessageFailed, notice.MessageForPeople, notice.TemplateRequired, notice.MessageDead, notice.ErrorReported,
		} {
			ids = append(ids, noticeID(kind, occurrence))
		}

		deadline := outbound.DeadlineID(event.ID, replay)

		ids = append(ids,
			deadline,
			noticeID(notice.MessageUnanswered, deadline.String()),
			store.NewID(store.KindOutbound, deadline.String()), // the fallback of an answer that did not come in time
			outbound.AnsweredID(event.ID, replay),
			store.NewID(store.KindStatusReport, subject, occurrence),
			store.NewID(store.KindThreadPass, subject, occurrence),
			store.NewID(store.KindDeskMessage, string(handoff.HumanMessage), subject, occurrence),
		)
	}

	for _, reply := range of.Replies {
		if reply.MessageID == "" {
			continue
		}

		for _, status := range reported {
			ids = append(ids, intake.StatusID(event.PhoneNumberID, reply.MessageID, status))
		}
	}

	return ids
}
