// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"strings"
	"time"
)

// typePayment is the type of the statuses of payments.
const typePayment = "payment"

// paymentRanks order the statuses of one attempt to pay.
var paymentRanks = map[Text]int{
	"pending":  1,
	"failed":   2,
	"captured": 3,
}

const (
	// rankCaptured ranks a captured payment above every attempt. Each refund ranks above the state before it.
	rankCaptured = 1 << 30
	maxRefunds   = 1000
	// rankAttempt is the distance of attempts that began a minute apart: a later attempt replaces an earlier one.
	rankAttempt = 4
)

// attemptsSince is when the ranks of attempts begin.
var attemptsSince = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// transaction is an attempt to pay, or a refund.
type transaction struct {
	ID        Text            `json:"id"`                // of the order at the payment gateway; several attempts can share it
	GatewayID Text            `json:"pg_transaction_id"` // of the attempt
	Status    Text            `json:"status"`
	Amount    json.RawMessage `json:"amount"`
	Created   Text            `json:"created_timestamp"`
	Updated   Text            `json:"updated_timestamp"`
}

// key identifies the state of the attempt or refund.
func (t transaction) key() string {
	parts := []Text{t.ID, t.GatewayID, t.Status, t.Created, t.Updated}
	if t.ID == "" && t.GatewayID == "" {
		parts = append(parts, Text(t.Amount))
	}

	encoded, _ := json.Marshal(parts) // strings always encode

	return string(encoded)
}

// payment returns the attempts and the refunds of the status of a payment.
func (s Status) payment() (attempts, refunds []transaction) {
	var p struct {
		Transaction  json.RawMessage `json:"transaction"`
		Transactions json.RawMessage `json:"transactions"`
		Refunds      json.RawMessage `json:"refunds"`
	}

	_ = readObject(s.Payment, &p) // an unexpected shape has no transactions

	return readTransactions(p.Transaction, p.Transactions), readTransactions(p.Refunds)
}

func readTransactions(lists ...json.RawMessage) []transaction {
	var all []transaction

	for _, list := range lists {
		for _, raw := range readList(list) {
			var t transaction
			if readObject(raw, &t) == nil {
				all = append(all, t)
			}
		}
	}

	return all
}

// PaymentKey identifies an attempt to pay, a capture or a refund among the statuses of one payment, which can have the same
// status several times. It is empty for all other statuses. A payment without transactions is identified by the time of its
// status.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/payments/payments-in/pg
func (s Status) PaymentKey() string {
	if s.Type != typePayment {
		return ""
	}

	attempts, refunds := s.payment()
	if len(attempts) == 0 && len(refunds) == 0 {
		return string(s.Timestamp)
	}

	var key strings.Builder

	for _, t := range append(attempts, refunds...) {
		key.WriteString(t.key())
	}

	return key.String()
}

// paymentRank ranks the statuses of a payment: a later attempt above an earlier one, a capture above all attempts, and a
// refund above the capture.
func (s Status) paymentRank() int {
	attempts, refunds := s.payment()

	rank := paymentRanks[s.Status]
	if rank == 0 {
		return 0
	}

	if s.Status == "captured" {
		return rankCaptured + min(len(refunds), maxRefunds)
	}

	if len(attempts) > 0 {
		began := UnixTime(attempts[len(attempts)-1].Created, attemptsSince)
		rank += rankAttempt * max(0, int(min(began.Sub(attemptsSince), maxAttemptTime)/time.Minute))
	}

	return rank
}

// maxAttemptTime keeps the ranks of attempts with absurd times below those of captures.
const maxAttemptTime = 200 * 365 * 24 * time.Hour
