// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/cloudapi"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/store"
)

func TestAddressee(t *testing.T) {
	for key, want := range map[string]cloudapi.Recipient{
		"106540352242922:573001234567":     {WaID: "573001234567"},
		"106540352242922:CO.1349":          {UserID: "CO.1349"},
		"106540352242922:CO.ENT.1349":      {UserID: "CO.ENT.1349"},
		"106540352242922:group:Y2FwaV9ncm": {GroupID: "Y2FwaV9ncm"},
	} {
		item, err := Addressee(key)
		if err != nil {
			t.Errorf("Addressee(%s): %v", key, err)
			continue
		}

		message, err := item.Message()
		if err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff(want, cloudapi.RecipientOf(message)); diff != "" {
			t.Errorf("Addressee(%s): recipient (-want +got):\n%s", key, diff)
		}

		if got := message.Conversation(string(item.Metadata.PhoneNumberID)); got != key {
			t.Errorf("Addressee(%s): conversation = %s", key, got)
		}
	}

	for _, key := range []string{
		"",
		"573001234567",
		"106540352242922:",
		"106540352242922:Ana",
		"106540352242922:+57 300 1234567",
		"106540352242922:group:",
		"106540352242922:message:wamid.1",
		"number:573001234567",
	} {
		if _, err := Addressee(key); !errors.Is(err, ErrConversationKey) {
			t.Errorf("Addressee(%q): error = %v, want ErrConversationKey", key, err)
		}
	}
}

func TestEventHoldsTheMessage(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

	item, err := Addressee("106540352242922:573001234567")
	if err != nil {
		t.Fatal(err)
	}

	message := Message{
		Role:     Desk,
		Question: "9f86d081884c7d659a2feaa0c55ad015",
		AskedAt:  now.Add(-time.Minute),
		Item:     item,
		Body:     json.RawMessage(`{"response":"hi"}`),
	}

	event, err := message.Event(ID("106540352242922", "key"), "106540352242922:573001234567", now)
	if err != nil {
		t.Fatal(err)
	}

	if err := event.Validate(); err != nil {
		t.Error(err)
	}

	if _, isFromPerson := event.InboundAt(); isFromPerson {
		t.Error("an outbound message counts as a message of the person")
	}

	stored, err := Decode(event.Payload)
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(message, stored); diff != "" {
		t.Errorf("stored message (-want +got):\n%s", diff)
	}

	marker := Answered(store.ID{1}, 0, "106540352242922", now)
	if err := marker.Validate(); err != nil {
		t.Error(err)
	}
}
