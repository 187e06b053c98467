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

// Meta spells a group's participant in several ways. Each reader of a message has their own status.
func TestGroupStatus(t *testing.T) {
	for name, tc := range map[string]struct {
		status             string
		group, participant Text
		lane               string
	}{
		"participant": {
			status: `"recipient_type":"group","recipient_id":"g","recipient_participant_id":"573"`,
			group:  "g", participant: "573", lane: "42:group:g",
		},
		"participant spelled otherwise": {
			status: `"recipient_type":"group","recipient_id":"g","participant_recipient_id":"+573"`,
			group:  "g", participant: "573", lane: "42:group:g",
		},
		"participant by user id": {
			status: `"recipient_type":"group","recipient_id":"g","recipient_participant_user_id":"CO.1"`,
			group:  "g", participant: "CO.1", lane: "42:group:g",
		},
		"participant by parent user id": {
			status: `"recipient_type":"group","recipient_id":"g","recipient_participant_parent_user_id":"CO.ENT.1"`,
			group:  "g", participant: "CO.ENT.1", lane: "42:group:g",
		},
		"participant without a type": {
			status: `"recipient_id":"g","recipient_participant_id":"573"`,
			group:  "g", participant: "573", lane: "42:group:g",
		},
		"group beside the recipient": {
			status: `"group_id":"g","recipient_id":"573"`,
			group:  "g", participant: "573", lane: "42:group:g",
		},
		"group beside a recipient of type group": {
			status: `"group_id":"g","recipient_type":"group","recipient_id":"573"`,
			group:  "g", participant: "573", lane: "42:group:g",
		},
		"group beside a user id": {
			status: `"group_id":"g","recipient_user_id":"CO.1"`,
			group:  "g", participant: "CO.1", lane: "42:group:g",
		},
		"group as recipient beside a user id": {
			status: `"recipient_type":"GROUP","recipient_id":"g","recipient_user_id":"CO.1"`,
			group:  "g", participant: "CO.1", lane: "42:group:g",
		},
		"group twice": {
			status: `"group_id":"g","recipient_type":"group","recipient_id":"g"`,
			group:  "g", lane: "42:group:g",
		},
		"a person": {
			status: `"recipient_id":"573","recipient_user_id":"CO.1","parent_recipient_user_id":"CO.ENT.1"`,
			lane:   "42:573",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseStatus(raw(`{"id":"w","status":"read",` + tc.status + `}`))
			if err != nil {
				t.Fatal(err)
			}

			if lane, _ := s.Conversation("42"); s.GroupID != tc.group || s.Participant != tc.participant || lane != tc.lane {
				t.Errorf("group %q, participant %q, lane %q; want %q, %q, %q", s.GroupID, s.Participant, lane, tc.group, tc.participant, tc.lane)
			}
		})
	}
}

func TestStatusType(t *testing.T) {
	for sent, want := range map[string]Text{
		"message": "",
		"Message": "",
		"MESSAGE": "",
		"payment": "payment",
		"Payment": "payment",
		"call":    "call",
	} {
		if s, err := ParseStatus(raw(`{"id":"w","type":"` + sent + `"}`)); err != nil || s.Type != want {
			t.Errorf("type %q is %q, %v; want %q", sent, s.Type, err, want)
		}
	}

	for properties, isFailed := range map[string]bool{
		`"payment":{"reference_id":"r"}`:                  false,
		`"type":null,"payment":{"reference_id":"r"}`:      false,
		`"type":"message","payment":{"reference_id":"r"}`: true,
		`"payment":null`: true,
	} {
		s, err := ParseStatus(raw(`{"id":"w","status":"failed",` + properties + `}`))
		if err != nil || s.IsFailed() != isFailed {
			t.Errorf("%s is a failed message: %t, %v; want %t", properties, s.IsFailed(), err, isFailed)
		}
	}

	for _, odd := range []string{`null`, `7`, `"r"`, `[{"reference_id":"r"}]`} { // the contract promises an object
		if s, err := ParseStatus(raw(`{"id":"w","type":"payment","payment":` + odd + `}`)); err != nil || s.Payment != nil {
			t.Errorf("payment %s is %s, %v; want none", odd, s.Payment, err)
		}
	}
}

// paymentStatus returns the status of a payment.
func paymentStatus(t *testing.T, status, payment string) Status {
	t.Helper()

	s, err := ParseStatus(raw(`{"id":"w","type":"payment","status":"` + status + `","timestamp":"1790000020","payment":{` + payment + `}}`))
	if err != nil {
		t.Fatal(err)
	}

	return s
}

func TestPayments(t *testing.T) {
	const refund = `,"refunds":[{"id":"r1","status":"success"}]`

	attempt := func(id, status, created string) string {
		return `"transaction":{"id":"` + id + `","status":"` + status + `","created_timestamp":` + created + `}`
	}
	steps := []Status{ // from the lowest rank to the highest
		paymentStatus(t, "pending", `"reference_id":"i"`),
		paymentStatus(t, "pending", attempt("t1", "pending", "1790000010")),
		paymentStatus(t, "failed", attempt("t1", "failed", "1790000010")),
		paymentStatus(t, "pending", attempt("t1", "pending", "1790000090")), // a new attempt for the same order
		paymentStatus(t, "failed", attempt("t2", "failed", "1790000180")),
		paymentStatus(t, "captured", attempt("t2", "success", "1790000180")),
		paymentStatus(t, "captured", attempt("t2", "success", "1790000180")+refund),
	}
	keys := map[string]bool{}

	for i, step := range steps {
		keys[step.PaymentKey()] = true

		if i > 0 && step.Rank() <= steps[i-1].Rank() {
			t.Errorf("step %d has rank %d, the one before %d: want it higher", i, step.Rank(), steps[i-1].Rank())
		}
	}

	if len(keys) != len(steps) || keys[""] {
		t.Errorf("%d steps have %d keys", len(steps), len(keys))
	}

	again := paymentStatus(t, "captured", `"currency":"INR",`+attempt("t2", "success", "1790000180"))
	if again.PaymentKey() != steps[5].PaymentKey() {
		t.Error("the same capture has another key")
	}

	if key := (Status{Status: "read", Timestamp: "1790000020"}).PaymentKey(); key != "" {
		t.Errorf("the status of a message has the key %q of a payment", key)
	}

	if rank := paymentStatus(t, "pending", attempt("t1", "pending", `"1099511627776"`)).Rank(); rank >= rankCaptured {
		t.Errorf("an attempt in a distant future has rank %d, above a capture", rank)
	}
}
