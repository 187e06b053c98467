// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

// Request is what a message asks the person for, by Meta's name.
type Request string

// The requests. The person's answer is a message of type location or contacts, or the answer to a call request.
const (
	RequestLocation Request = "location_request_message"
	RequestContact  Request = "request_contact_info"
	RequestCall     Request = "call_permission_request"
)

// RequestContent is a text with a button of Meta's by which the person shares a location or their phone number, or allows
// calls. Meta takes neither header nor footer.
//
// Sources: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/location-request-messages
// https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
// https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/user-call-permissions
type RequestContent struct {
	For  Request
	Text string // of at most MaxBodyRunes characters; optional for RequestCall
}

// requestActions are the names of the actions.
var requestActions = map[Request]string{
	RequestLocation: "send_location",
	RequestContact:  string(RequestContact),
	RequestCall:     string(RequestCall),
}

func (c RequestContent) put(message *outbound) (int, error) {
	action, known := requestActions[c.For]
	if !known {
		return 0, invalidMessage("the request asks for nothing known: give location, contact or call")
	}

	frame := Frame{Text: c.Text}
	if c.For == RequestCall && isBlank(c.Text) {
		frame.Text = ""
	} else if err := checkLength("the text above the request", c.Text, MaxBodyRunes, "send part of it before"); err != nil {
		return 0, err
	}

	var cut truncator

	object, err := frame.object(&cut, string(c.For))
	if err != nil {
		return 0, err
	}

	object.Action.Name = action
	message.setInteractive(object)

	return cut.count, nil
}
