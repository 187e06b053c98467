// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"net/http"
	"slices"
	"unicode/utf8"
)

// maxThreadMetadata is how many characters the owner of a thread may pass to the next one.
const maxThreadMetadata = 2000

// threadRequest is the body of POST /{phone-number-id}/thread_control.
type threadRequest struct {
	MessagingProduct string `json:"messaging_product"`
	To               string `json:"to"`
	Recipient        string `json:"recipient"`
	Action           string `json:"action"`
	Metadata         string `json:"metadata"`
}

// controlThread serves POST /{phone-number-id}/thread_control: the owner of a thread passes or releases it, and the
// escalation partner takes it.
//
// Source: https://developers.facebook.com/documentation/meta-business-agent/reference/operate/thread-control-cloud-api
func (g *Graph) controlThread(r *http.Request) (any, *problem) {
	number := r.PathValue("id")
	if !g.hasNumber(number) {
		return nil, unknownObject(r, number)
	}

	var request threadRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		return nil, invalid("The request body is not the JSON of a thread control action: %v", err)
	}

	switch {
	case request.MessagingProduct != "whatsapp":
		return nil, invalid("The parameter messaging_product is required.")
	case request.To == "" && request.Recipient == "":
		return nil, invalid("The parameter to is required.")
	case utf8.RuneCountInString(request.Metadata) > maxThreadMetadata:
		return nil, invalid("Param metadata must be at most %d characters long.", maxThreadMetadata)
	case !slices.Contains([]string{"pass", "release", "take"}, request.Action):
		return nil, invalid("Param action must be one of {PASS, RELEASE, TAKE} - got %q.", request.Action)
	}

	escalation := g.Rules().EscalationPartner

	g.conversations.mu.Lock()
	defer g.conversations.mu.Unlock()

	person := g.conversations.ofLocked(number, digitsOnly(request.To), request.Recipient)

	switch {
	case request.Action == "take" && !escalation:
		return nil, notOwner()
	case request.Action != "take" && person.elsewhere:
		return nil, invalid("You must hold thread control to %s it.", request.Action)
	}

	person.elsewhere = request.Action == "pass"

	return map[string]string{"messaging_product": "whatsapp"}, nil
}

// notOwner returns the error for an app that may not take the thread.
func notOwner() *problem {
	return refused(2494191, "Only the escalation partner may take a thread that another responder owns")
}
