// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// PassThread passes the control over a conversation to the other responder of the phone number, which the business has assigned
// at Meta (Meta: escalation partner). It may be repeated: a thread that this app no longer has counts as passed. Groups have no
// thread. Errors are of type *failure.Error and never Ambiguous.
//
// Sources: https://developers.facebook.com/documentation/meta-business-agent/reference/operate/thread-control-cloud-api; the
// path below the phone number and the properties by https://partner-docs.gupshup.io/reference/threadcontrol and
// https://docs.360dialog.com/docs/mba/api-ref/operate/transfer-thread-control, which forward the request to Meta
func (c *Client) PassThread(ctx context.Context, phoneNumberID string, to Recipient) error {
	const op = "pass the conversation"

	if !isID(phoneNumberID) {
		return badPhoneNumberID(op)
	}

	request := map[string]string{"messaging_product": "whatsapp", "action": "pass"}

	switch {
	case to.WaID != "":
		request["to"] = "+" + to.WaID
	default:
		request["recipient"] = to.UserID
	}

	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("%s: encode the request: %w", op, err)
	}

	_, fault := c.do(ctx, call{
		op:     op,
		method: http.MethodPost,
		path:   phoneNumberID + "/thread_control",
		body:   body,
	})

	if fault == nil || fault.Code == CodeOtherResponder {
		return nil
	}

	return passFailed(*fault)
}

// passFailed returns the failure of a pass. A refusal by Meta other than that of the caller may concern passes alone: no
// escalation partner is assigned, or the app may not pass conversations. It is final, since nothing else shows when it is
// fixed.
func passFailed(f failure.Error) *failure.Error {
	_, err := strconv.Atoi(f.Code)
	isMeta := err == nil // else a server in between, or none, answered

	switch {
	case f.Class == failure.Ambiguous:
		f.Class = failure.Transient
	case f.Class == failure.Configuration && isMeta && !CallerRefused(&f):
		f.Class = failure.Permanent
		f.Scope = failure.ScopeNone
		f.Text = "Meta refuses to pass the conversation: assign an escalation partner in its conversation routing, and give the app the permissions for it"
	}

	return &f
}
