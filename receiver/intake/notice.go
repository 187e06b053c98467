// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"cmp"
	"encoding/json"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/notice"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// noticeOf returns the notice about an event: for a message without its content, for a skipped event with all that Meta
// sent. That a message was read is announced here too, so that it does not wait for Bird. The engine announces the rest.
func noticeOf(event store.Event, item whatsapp.Item) (_ store.Event, ok bool) {
	n := notice.Notice{
		Source:  notice.Number(event.PhoneNumberID),
		Subject: event.ID.String(),
		Time:    event.ReceivedAt,
	}

	switch {
	case event.Kind == store.KindMessage:
		n.Type = notice.MessageReceived
		n.Data, _ = json.Marshal(map[string]string{"type": event.Type}) // strings always encode
	case event.Status != nil && event.Status.Type == "" && event.Type == "read":
		n.Type = notice.MessageRead
		n.Data, _ = json.Marshal(readData{Event: replyTo(event.Status), Status: event.Type})
	case event.State == store.Skipped:
		n.Type = notice.AccountPrefix + truncate(cmp.Or(item.Field, "unknown"))
		n.Data = item.Raw

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
