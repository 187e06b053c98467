// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// errorTitle is the title and the HTTP status of a code in Meta's table of error codes.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
type errorTitle struct {
	title  string
	status int
}

var errorTitles = map[int]errorTitle{
	0:       {"AuthException", 401},
	1:       {"API Unknown", 400},
	2:       {"API Service", 503},
	3:       {"API Method", 500},
	4:       {"API Too Many Calls", 400},
	10:      {"Permission Denied", 403},
	17:      {"User request limit reached", 400},
	32:      {"Page request limit reached", 400},
	33:      {"Parameter value is not valid", 400},
	100:     {"Invalid parameter", 400},
	190:     {"Access token has expired", 401},
	200:     {"API Permission", 403},
	341:     {"Application limit reached", 400},
	368:     {"Temporarily blocked for policies violations", 403},
	613:     {"Calls to this api have exceeded the rate limit.", 400},
	2200:    {"Callback verification failed", 400},
	2500:    {"Unknown path components", 400},
	80007:   {"Rate limit issues", 400},
	80008:   {"There have been too many calls to this WhatsApp Business account.", 400},
	130429:  {"Rate limit hit", 400},
	130472:  {"User's number is part of an experiment", 400},
	130497:  {"Business account is restricted from messaging users in this country.", 403},
	131000:  {"Something went wrong", 500},
	131005:  {"Access denied", 403},
	131008:  {"Required parameter is missing", 400},
	131009:  {"Parameter value is not valid", 400},
	131016:  {"Service unavailable", 500},
	131020:  {"Bad Group", 400},
	131021:  {"Recipient cannot be sender", 400},
	131026:  {"Message undeliverable", 400},
	131030:  {"Recipient phone number not in allowed list", 400},
	131031:  {"Account has been locked", 403},
	131037:  {"WhatsApp provided number needs display name approval before message can be sent.", 400},
	131041:  {"Group unknown", 400},
	131042:  {"Business eligibility payment issue", 400},
	131045:  {"Incorrect certificate", 500},
	131047:  {"Re-engagement message", 400},
	131048:  {"Spam rate limit hit", 400},
	131049:  {"This message was not delivered to maintain healthy ecosystem engagement.", 400},
	131050:  {"User has stopped receipt of marketing messages from your business", 400},
	131051:  {"Unsupported message type", 400},
	131052:  {"Media download error", 400},
	131053:  {"Media upload error", 400},
	131056:  {"(Business Account, Consumer Account) pair rate limit hit", 400},
	131057:  {"Account in maintenance mode", 500},
	131062:  {"Business-scoped User ID (BSUID) recipients are not supported for this message", 400},
	131207:  {"Group suspended", 403},
	131208:  {"Group Rate Limit Hit", 429},
	132000:  {"Template Param Count Mismatch", 400},
	132001:  {"Template does not exist", 404},
	132005:  {"Template Hydrated Text Too Long", 400},
	132007:  {"Template Format Character Policy Violated", 400},
	132012:  {"Template Parameter Format Mismatch", 400},
	132015:  {"Template is Paused", 400},
	132016:  {"Template is Disabled", 400},
	132068:  {"Flow is blocked", 400},
	132069:  {"Flow is throttled", 400},
	133004:  {"Server Temporarily Unavailable", 503},
	133010:  {"Phone number not registered", 400},
	134101:  {"Template is syncing", 400},
	135000:  {"Generic user error", 400},
	2494100: {"Phone number is in maintenance mode", 400},
	2494191: {"Another responder is handling this conversation", 400},
}

// APIError is an error of the Graph API, for a fault. Message and Status default to those of Meta's table.
type APIError struct {
	Code, Subcode int
	// Message replaces the title of the code. Meta sets no prefix with the code before it.
	Message string
	// Details is error_data.details.
	Details string
	// UserTitle and UserMessage are error_user_title and error_user_msg.
	UserTitle, UserMessage string
	// Transient is is_transient: Meta expects that the same request succeeds later.
	Transient bool
	// Status is the HTTP status.
	Status int
}

// Fault returns a fault that answers with the error. The caller sets the method, the path and the number of calls.
func (e APIError) Fault() Fault {
	p := problem{
		code:        e.Code,
		subcode:     e.Subcode,
		title:       e.Message,
		verbatim:    e.Message != "",
		details:     e.Details,
		userTitle:   e.UserTitle,
		userMessage: e.UserMessage,
		transient:   e.Transient,
		status:      e.Status,
	}

	return Fault{Status: p.httpStatus(), Body: string(p.body())}
}

// GraphError returns a fault that answers with a Graph error. An httpStatus of 0 selects the status of Meta's table. The
// caller sets the method, the path and the number of calls.
func GraphError(code int, details string, httpStatus int) Fault {
	return APIError{
		Code:    code,
		Details: details,
		Status:  httpStatus,
	}.Fault()
}

// problem is an error of the Graph API. Its title and status default to those of Meta's table.
type problem struct {
	code, subcode int
	title         string
	// verbatim leaves out the prefix "(#code)" of the message.
	verbatim bool
	// kind is the type of the error. Defaults to OAuthException.
	kind                   string
	details                string
	userTitle, userMessage string
	transient              bool
	status                 int
}

// The types of errors.
const (
	typeOAuth  = "OAuthException"
	typeMethod = "GraphMethodException"
)

// transientCodes are the codes with which Meta always sets is_transient: an outage, and the limits of Graph itself.
var transientCodes = []int{2, 4, 17, 32, 341, 613}

// invalid returns the error for a parameter that Graph itself rejects, before WhatsApp.
func invalid(format string, args ...any) *problem {
	return &problem{code: 100, title: fmt.Sprintf(format, args...)}
}

// badMethod returns the error for a call that Graph itself rejects before it reads the parameters.
func badMethod(subcode int, format string, args ...any) *problem {
	return &problem{
		code:     100,
		subcode:  subcode,
		title:    fmt.Sprintf(format, args...),
		verbatim: true,
		kind:     typeMethod,
	}
}

func (p problem) httpStatus() int {
	if p.status != 0 {
		return p.status
	}

	if known, ok := errorTitles[p.code]; ok {
		return known.status
	}

	return http.StatusBadRequest
}

func (p problem) message() string {
	title := p.title
	if title == "" {
		title = "Unknown error"
		if known, ok := errorTitles[p.code]; ok {
			title = known.title
		}
	}

	if p.verbatim {
		return title
	}

	return fmt.Sprintf("(#%d) %s", p.code, title)
}

func (p problem) body() []byte {
	type data struct {
		MessagingProduct string `json:"messaging_product"`
		Details          string `json:"details"`
	}

	type object struct {
		Message     string `json:"message"`
		Type        string `json:"type"`
		Transient   bool   `json:"is_transient,omitempty"`
		Code        int    `json:"code"`
		ErrorData   *data  `json:"error_data,omitempty"`
		Subcode     int    `json:"error_subcode,omitempty"`
		UserTitle   string `json:"error_user_title,omitempty"`
		UserMessage string `json:"error_user_msg,omitempty"`
		TraceID     string `json:"fbtrace_id"`
	}

	trace := sha256.Sum256(fmt.Append(nil, p.code, p.details))

	body := object{
		Message:     p.message(),
		Type:        cmp.Or(p.kind, typeOAuth),
		Transient:   p.transient || slices.Contains(transientCodes, p.code),
		Code:        p.code,
		Subcode:     p.subcode,
		UserTitle:   p.userTitle,
		UserMessage: p.userMessage,
		TraceID:     "A" + base64.RawURLEncoding.EncodeToString(trace[:16]),
	}
	if p.details != "" {
		body.ErrorData = &data{MessagingProduct: "whatsapp", Details: p.details}
	}

	raw, err := json.Marshal(map[string]object{"error": body})
	if err != nil {
		return []byte(`{"error":{"message":"(#1) API Unknown","type":"OAuthException","code":1}}`)
	}

	return raw
}
