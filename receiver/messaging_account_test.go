// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"net/http"
	"testing"
)

// TestBirdGetsTheMessagingAccount checks that Bird is asked with the messaging account, where Meta names one.
func TestBirdGetsTheMessagingAccount(t *testing.T) {
	h := newHarness(t, withoutTyping)
	h.start()

	ofAccount := bytes.Replace(textDelivery(ana, "wamid.1", "hello"),
		[]byte(`"metadata":{`), []byte(`"metadata":{"messaging_account_id":"300000000000007",`), 1)
	for _, body := range [][]byte{ofAccount, textDelivery(luis, "wamid.2", "hello")} {
		h.deliver(http.StatusOK, body)
		h.waitIdle()
	}

	asked := h.birdRequests()
	if len(asked) != 2 || asked[0].Payload["messaging_account_id"] != "300000000000007" {
		t.Fatalf("asked %+v, want the messaging account", asked)
	}

	if account, ok := asked[1].Payload["messaging_account_id"]; ok {
		t.Errorf("asked with the messaging account %v, want none", account)
	}
}
