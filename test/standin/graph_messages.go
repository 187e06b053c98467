// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// SentMessage is one message that a Graph accepted.
type SentMessage struct {
	// PhoneNumberID is the business number that sent it.
	PhoneNumberID string `json:"phone_number_id"`
	// ID is the wamid in the answer.
	ID string `json:"id"`
	// To is the phone number as written in the request.
	To string `json:"to"`
	// Recipient is the business-scoped user id.
	Recipient string `json:"recipient"`
	// Group reports that To is the id of a group.
	Group bool `json:"group,omitempty"`
	// Type is the message type, such as text.
	Type string `json:"type"`
	// Text is the body of a message of type text.
	Text string `json:"text"`
	// Callback is biz_opaque_callback_data.
	Callback string `json:"callback"`
	// ContextID is the id of the message it replies to.
	ContextID string `json:"context_id"`
	// Failure is the code with which the message fails later, in a status; 0 if it arrives. FailureDetails says more.
	Failure        int    `json:"failure,omitempty"`
	FailureDetails string `json:"failure_details,omitempty"`
	// Raw is the request body.
	Raw json.RawMessage `json:"raw"`
}

// messageRequest holds the fields common to every POST /{phone-number-id}/messages.
type messageRequest struct {
	MessagingProduct string          `json:"messaging_product"`
	RecipientType    string          `json:"recipient_type"`
	To               string          `json:"to"`
	Recipient        string          `json:"recipient"`
	Type             string          `json:"type"`
	Status           string          `json:"status"`
	MessageID        string          `json:"message_id"`
	TypingIndicator  *typeOnly       `json:"typing_indicator"`
	Context          *messageContext `json:"context"`
	Callback         string          `json:"biz_opaque_callback_data"`
	Text             *textObject     `json:"text"`
}

type typeOnly struct {
	Type string `json:"type"`
}

type messageContext struct {
	MessageID string `json:"message_id"`
}

type textObject struct {
	Body string `json:"body"`
}

var (
	phoneNumber = regexp.MustCompile(`^\+?[0-9]{6,15}$`)
	// businessScopedID is a country code and up to 128 alphanumerics, with ENT between them for a parent business.
	businessScopedID = regexp.MustCompile(`^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$`)
	phoneSeparators  = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "")
)

// sendMessage serves POST /{phone-number-id}/messages: a message, a read receipt or a typing indicator.
func (g *Graph) sendMessage(r *http.Request) (any, *problem) {
	number := r.PathValue("id")
	if !g.hasNumber(number) {
		return nil, unknownObject(r, number)
	}

	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, invalid("The request body cannot be read: %v", err)
	}

	var request messageRequest
	if err := json.Unmarshal(raw, &request); err != nil {
		return nil, invalid("The request body is not the JSON of a message: %v", err)
	}

	if request.MessagingProduct != "whatsapp" {
		return nil, invalid("The parameter messaging_product is required.")
	}

	if request.Status != "" {
		return acknowledge(request)
	}

	if problem := checkMessage(&request, raw); problem != nil {
		return nil, problem
	}

	failure, problem := g.admit(number, request)
	if problem != nil {
		return nil, problem
	}

	return g.accept(number, request, raw, failure), nil
}

// acknowledge returns the answer to a read receipt, with or without a typing indicator.
func acknowledge(request messageRequest) (any, *problem) {
	switch {
	case request.Status != "read":
		return nil, invalid("Param status must be one of {READ} - got %q.", request.Status)
	case request.MessageID == "":
		return nil, invalid("The parameter message_id is required.")
	case request.TypingIndicator != nil && request.TypingIndicator.Type != "text":
		return nil, invalid("Param typing_indicator['type'] must be one of {text} - got %q.", request.TypingIndicator.Type)
	}

	return map[string]bool{"success": true}, nil
}

// accept records a valid message and returns Meta's answer, which means accepted, not delivered.
func (g *Graph) accept(number string, request messageRequest, raw []byte, failure int) any {
	contact := map[string]string{"input": request.To}

	digits := digitsOnly(request.To)
	switch {
	case request.To == "":
		contact = map[string]string{"input": request.Recipient, "user_id": request.Recipient}
	case request.RecipientType != "group":
		contact["wa_id"] = digits
	}

	message := SentMessage{
		PhoneNumberID: number,
		ID:            wamid(digits, wamidOutbound, g.unique()),
		To:            request.To,
		Recipient:     request.Recipient,
		Group:         request.RecipientType == "group",
		Type:          request.Type,
		Callback:      request.Callback,
		ContextID:     contextID(request),
		Failure:       failure,
		Raw:           raw,
	}
	if request.Type == "text" {
		message.Text = request.Text.Body
	}

	if status := g.fetchStatus(request.Type, raw); message.Failure == 0 && status != 0 {
		message.Failure = 131053
		message.FailureDetails = fmt.Sprintf("Downloading media from weblink failed with http code %d, status message %s",
			status, http.StatusText(status))
	}

	g.remember(message.ID)
	g.SentLog.add(message)

	if g.options.StatusSink != nil {
		g.options.StatusSink(message)
	}

	return struct {
		MessagingProduct string              `json:"messaging_product"`
		Contacts         []map[string]string `json:"contacts"`
		Messages         []map[string]string `json:"messages"`
	}{"whatsapp", []map[string]string{contact}, []map[string]string{{"id": message.ID}}}
}

// fetchStatus returns the HTTP status with which a server refuses the download of a message's linked medium, or 0.
func (g *Graph) fetchStatus(kind string, raw []byte) int {
	var fields map[string]json.RawMessage

	var media struct {
		Link string `json:"link"`
	}

	if json.Unmarshal(raw, &fields) != nil || json.Unmarshal(fields[kind], &media) != nil || media.Link == "" {
		return 0
	}

	for prefix, status := range g.Rules().FailedFetches {
		if strings.HasPrefix(media.Link, prefix) {
			return status
		}
	}

	return 0
}

// digitsOnly returns the wa_id of a phone number.
func digitsOnly(phone string) string { return strings.TrimPrefix(phoneSeparators.Replace(phone), "+") }

// Sent returns the retained messages, oldest first.
func (g *Graph) Sent() []SentMessage { return g.SentLog.All() }
