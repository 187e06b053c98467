// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// PassThread passes the control over the conversation with a person to the escalation partner of the phone number, which
// the business has assigned at Meta. It may be repeated: a thread that this app no longer has counts as passed. Groups have
// no thread to pass. Errors are of type *failure.Error and never Ambiguous.
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

	switch {
	case fault == nil || fault.Code == CodeOtherResponder:
		return nil
	case fault.Class == failure.Ambiguous:
		f := *fault
		f.Class = failure.Transient

		return &f
	}

	return fault
}
