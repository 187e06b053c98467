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
// sent. Other events have no notice at this stage; the engine sends notices of statuses and errors.
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
