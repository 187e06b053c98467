// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"slices"
	"time"
)

// Pricing is what a status says about the price of its message.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing
type Pricing struct {
	Billable bool   `json:"billable"`
	Model    string `json:"pricing_model"`
	Type     string `json:"type"`
	Category string `json:"category"`
}

// ServicePricing is the pricing of messages other than templates. Meta bills them since October 2026.
var ServicePricing = Pricing{
	Billable: true,
	Model:    "PMP",
	Type:     "regular",
	Category: "service",
}

// Status is a status of a sent message: sent, delivered, read, played or failed.
type Status struct {
	PhoneNumberID, MessageID string
	Status                   string
	// Recipient is a wa_id, a business-scoped user id, or the id of a group.
	Recipient string
	// Group reports that Recipient is a group. Without Participants the status is of the whole group.
	Group bool
	// Participants are the members of the group that the status is about. Meta aggregates their statuses.
	Participants []string
	// Callback is biz_opaque_callback_data; empty omits it.
	Callback string
	// Code is the error code of the status failed, Details its error_data.details.
	Code    int
	Details string
	// Pricing is nil if the status has none.
	Pricing *Pricing
	At      time.Time
}

// Delivery returns the delivery of the status. A failed one has no contacts.
func (s Status) Delivery() []byte {
	if len(s.Participants) > 0 {
		return seal(s.PhoneNumberID, messagesValue{Statuses: s.participantEntries()})
	}

	entry := s.entry()
	person := contact{WaID: s.Recipient}

	switch {
	case s.Group:
		entry["recipient_id"] = s.Recipient
		entry["recipient_type"] = "group"
	case businessScopedID.MatchString(s.Recipient):
		person = contact{UserID: s.Recipient}
		entry["recipient_user_id"] = s.Recipient
	default:
		entry["recipient_id"] = s.Recipient
	}

	value := messagesValue{Statuses: []map[string]any{entry}}
	if s.Status != "failed" && !s.Group {
		value.Contacts = []contact{person}
	}

	return seal(s.PhoneNumberID, value)
}

// groupParticipants are the members of every group.
var groupParticipants = []string{"15557770001", "15557770002"}

// Statuses returns the statuses that Meta reports for a message: failed for one that fails, else the wanted ones. In a
// group a message fails for the whole group, and the other statuses are of all participants.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/groups/groups-messaging
func (m SentMessage) Statuses(wanted []string, at time.Time) []Status {
	if m.Failure != 0 {
		wanted = []string{"failed"}
	}

	statuses := make([]Status, len(wanted))

	for i, status := range wanted {
		statuses[i] = Status{
			PhoneNumberID: m.PhoneNumberID,
			MessageID:     m.ID,
			Status:        status,
			Recipient:     m.Recipient,
			Callback:      m.Callback,
			Code:          m.Failure,
			Details:       m.FailureDetails,
			Pricing:       m.pricing(status, wanted),
			At:            at,
		}

		switch {
		case m.Group:
			statuses[i].Recipient = m.To
			statuses[i].Group = true

			if m.Failure == 0 {
				statuses[i].Participants = groupParticipants
			}
		case m.To != "":
			statuses[i].Recipient = digitsOnly(m.To)
		}
	}

	return statuses
}

// pricing returns the pricing of a status. Meta sends it with sent, and with one of delivered and read.
func (m SentMessage) pricing(status string, all []string) *Pricing {
	first := status == "delivered" || (status == "read" && !slices.Contains(all, "delivered"))
	if status != "sent" && !first {
		return nil
	}

	pricing := ServicePricing
	if m.Type == "template" {
		pricing.Category = "utility"
	}

	if m.Group {
		pricing.Category = "group_" + pricing.Category
	}

	return &pricing
}

// participantEntries returns one entry for each participant, all with the id of the one message.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
func (s Status) participantEntries() []map[string]any {
	entries := make([]map[string]any, len(s.Participants))

	for i, participant := range s.Participants {
		entry := s.entry()
		entry["recipient_id"] = s.Recipient
		entry["recipient_type"] = "group"

		if businessScopedID.MatchString(participant) {
			entry["recipient_participant_user_id"] = participant
		} else {
			entry["recipient_participant_id"] = participant
		}

		entries[i] = entry
	}

	return entries
}

func (s Status) entry() map[string]any {
	entry := map[string]any{
		"id":        s.MessageID,
		"status":    s.Status,
		"timestamp": unixSeconds(s.At),
	}

	if s.Callback != "" {
		entry["biz_opaque_callback_data"] = s.Callback
	}

	if s.Pricing != nil {
		entry["pricing"] = *s.Pricing
	}

	if s.Status != "failed" {
		return entry
	}

	title := "Unknown error"
	if known, ok := errorTitles[s.Code]; ok {
		title = known.title
	}

	entry["errors"] = []map[string]any{{
		"code":       s.Code,
		"title":      title,
		"message":    title,
		"error_data": map[string]string{"details": cmp.Or(s.Details, title)},
		"href":       "/documentation/business-messaging/whatsapp/support/error-codes",
	}}

	return entry
}

// StatusDelivery returns the delivery of one status of a sent message: sent, delivered, read, played or failed.
// The recipient is a wa_id or a business-scoped user id. An empty callback is omitted. The status failed has error 131000.
// The statuses sent and delivered say that the message is billed.
func StatusDelivery(phoneNumberID, messageID, status, recipient, callback string, at time.Time) []byte {
	s := Status{
		PhoneNumberID: phoneNumberID,
		MessageID:     messageID,
		Status:        status,
		Recipient:     recipient,
		Callback:      callback,
		At:            at,
	}

	switch status {
	case "sent", "delivered":
		s.Pricing = &ServicePricing
	case "failed":
		s.Code = 131000
	}

	return s.Delivery()
}

// FailedDelivery returns the delivery of the status failed with an error code; it has no contacts.
func FailedDelivery(
	phoneNumberID, messageID, recipient, callback string,
	code int,
	at time.Time,
) []byte {
	return Status{
		PhoneNumberID: phoneNumberID,
		MessageID:     messageID,
		Status:        "failed",
		Recipient:     recipient,
		Callback:      callback,
		Code:          code,
		At:            at,
	}.Delivery()
}
