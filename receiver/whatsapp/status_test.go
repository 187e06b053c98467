// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"slices"
	"testing"
)

func TestStatus(t *testing.T) {
	s, err := ParseStatus(raw(`{"id":"w","status":"failed","participant_recipient_id":"1","errors":[{"code":131049}],"biz_opaque_callback_data":"abc:0"}`))
	if err != nil {
		t.Fatal(err)
	}

	if s.ErrorCode != 131049 || s.Participant != "1" || s.Callback != "abc:0" {
		t.Errorf("ParseStatus() = %+v", s)
	}

	if s, err := ParseStatus(raw(`{"id":"w","status":"failed","type":"message"}`)); err != nil || s.Type != "" || !s.IsFailed() {
		t.Errorf("ParseStatus() of type message = %+v, %v, want a status of the message", s, err)
	}

	if s := (Status{Status: "failed", Type: "payment"}); s.IsFailed() {
		t.Error("a failed payment is a failed message")
	}

	order := []Text{"warning", "sent", "failed", "delivered", "read", "played"}
	if !slices.IsSortedFunc(order, func(a, b Text) int { return Status{Status: a}.Rank() - Status{Status: b}.Rank() }) {
		t.Errorf("ranks do not rise along %v", order)
	}

	if (Status{Type: "payment", Status: "captured"}).Rank() <= (Status{Type: "payment", Status: "pending"}).Rank() {
		t.Error("a captured payment must rank above a pending one")
	}
}
