// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// noticeOf returns the notice about an event. It announces a read message, so the notice does not wait for the AI. The engine
// announces failed messages and reported errors. No notice contains a text or a person.
func noticeOf(event store.Event, item whatsapp.Item) (_ store.Event, ok bool) {
	n := notice.Notice{
		Source:  notice.Number(event.PhoneNumberID),
		Subject: event.ID.String(),
		Time:    event.ReceivedAt,
	}

	switch {
	case event.Kind == store.KindMessage:
		n.Type = notice.MessageReceived
		n.Data = encode(map[string]string{"type": event.Type})
	case event.Status != nil && event.Status.Type == "" && event.Type == "read":
		n.Type = notice.MessageRead
		n.Data = encode(readData{Event: replyTo(event.Status), Status: event.Type})
	case event.State == store.Skipped, item.Field == whatsapp.FieldHandovers:
		n.Type = notice.AccountPrefix + truncate(cmp.Or(item.Field, "unknown"))
		n.Data = fieldData(item)

		if event.PhoneNumberID == "" {
			n.Source = notice.BusinessAccount(item.WABAID)
		}
	default:
		return store.Event{}, false
	}

	return n.Event(""), true
}

// readData is the data of the notice that a message was read.
type readData struct {
	Event  string `json:"event,omitempty"` // that the message answered; empty if the message is not ours
	Status string `json:"status"`
}

func replyTo(update *store.StatusUpdate) string {
	if update.ReplyTo == (store.ID{}) {
		return ""
	}

	return update.ReplyTo.String()
}

// accountFields are the beginnings of the fields that are about the business account alone.
var accountFields = []string{
	"account_", "business_", "flows", "message_template_", "partner_", "payment_configuration_", "phone_number_", "security", "template_",
}

// fieldData returns the data of the notice about an item: the complete value of an account field, and only the type of a
// handover. Other fields name people or contain their messages.
func fieldData(item whatsapp.Item) json.RawMessage {
	isAccount := func(prefix string) bool { return strings.HasPrefix(item.Field, prefix) }

	switch {
	case item.Kind != whatsapp.ItemField:
		return nil
	case slices.ContainsFunc(accountFields, isAccount):
		return item.Raw
	case item.Field == whatsapp.FieldHandovers:
		handover, err := whatsapp.ParseHandover(item.Raw)
		if err == nil && (handover.Type == whatsapp.ControlTaken || handover.Type == whatsapp.ControlPassed) {
			return encode(map[string]string{"type": string(handover.Type)})
		}
	}

	return nil
}

// encode returns the JSON form of strings, which always encode.
func encode(data any) json.RawMessage {
	encoded, _ := json.Marshal(data)
	return encoded
}
