// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// PriceOf returns the price of the message whose status the event is, and the message and participant that Meta bills. ok
// is false if the status has no price, or belongs to a number that is not configured.
func PriceOf(event store.Event) (_ whatsapp.Price, billed store.ID, ok bool) {
	update := event.Status
	if update == nil || update.Type != "" || (update.Status != "delivered" && update.Status != "read") {
		return whatsapp.Price{}, store.ID{}, false
	}

	item, err := whatsapp.Decode(event.Payload)
	if err != nil {
		return whatsapp.Price{}, store.ID{}, false
	}

	status, err := whatsapp.ParseStatus(item.Raw)
	if err != nil {
		return whatsapp.Price{}, store.ID{}, false
	}

	price, ok := status.Price()
	billed = store.NewID(store.KindStatus, update.PhoneNumberID, update.MessageID, update.Participant)

	return price, billed, ok
}
