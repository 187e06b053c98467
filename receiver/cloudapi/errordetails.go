// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudapi

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// errorDetails are the parts of an error of Meta besides its code. The texts can repeat what was sent. They are only
// searched for known words, and never logged or stored.
//
// Source: https://developers.facebook.com/docs/graph-api/guides/error-handling
type errorDetails struct {
	Subcode     whatsapp.Text `json:"error_subcode"`
	Transient   whatsapp.Flag `json:"is_transient"`
	Message     whatsapp.Text `json:"message"`
	UserTitle   whatsapp.Text `json:"error_user_title"`
	UserMessage whatsapp.Text `json:"error_user_msg"`
	Data        errorData     `json:"error_data"`
}

// refine completes an error by its texts.
func (d *errorDetails) refine(reported *ReportedError) {
	texts := []string{string(d.Data.Details), string(d.Message), string(d.UserTitle), string(d.UserMessage)}

	if text := strings.Join(texts, "\n"); strings.Contains(text, "appsecret_proof") {
		reported.Code = codeInvalidParameter
		reported.Subcode = proofMissing

		if strings.Contains(text, "Invalid appsecret_proof") {
			reported.Subcode = proofInvalid
		}

		return
	}

	if reported.Code == codeInvalidParameter && reported.Subcode == 0 && slices.ContainsFunc(texts, unknownObjects.MatchString) {
		reported.Subcode = unknownObject
	}

	if !slices.Contains(parameterErrors, reported.Code) || reported.Subcode == unknownObject {
		return
	}

	for _, text := range texts {
		if reported.Parameter = parameterIn(text); reported.Parameter != "" {
			return
		}
	}
}

// MayRefuseContext reports whether Meta may have refused a send because of the quoted message: Meta names this parameter, or
// none.
func MayRefuseContext(f *failure.Error) bool {
	code, err := strconv.Atoi(f.Code)

	return err == nil && f.Class == failure.Permanent && slices.Contains(parameterErrors, code) &&
		(f.Parameter == parameterContext || f.Parameter == "")
}

// errorData is the error_data of an error. Another shape than an object has no details.
type errorData struct {
	Details whatsapp.Text `json:"details"`
}

// parameterErrors are the codes with which Meta refuses a parameter.
var parameterErrors = []int{codeInvalidParameter, 131008, 131009, 135000}

// parameterContext is the parameter that names the quoted message.
const parameterContext = "context"

var (
	// unknownObjects matches the texts of subcode unknownObject, which Meta may leave out: it advises not to rely on subcodes.
	unknownObjects = regexp.MustCompile(`(?i)^(\(#100\) )?unsupported [a-z]+ request\b|\bcannot be loaded due to missing permissions\b`)
	// quotes matches the texts with which Meta refuses the quoted message. Meta documents none, so it matches all terms for it.
	quotes = regexp.MustCompile(`(?i)\bcontext\b|\bquoted\b|\brepl(y|ied|ying) to\b|\bmessage[ _]?id\b|\bwamid\b`)
	// parameterNames matches "The parameter to is required" and "Param type must be one of …".
	parameterNames = regexp.MustCompile(`\bparam(?:eter)? ([a-z_]+)`)
)

// parameters are the parameters of a message that a failure may name.
var parameters = []string{
	"audio", "biz_opaque_callback_data", "contacts", "document", "image", "interactive", "location", "messaging_product",
	"reaction", "recipient", "recipient_type", "sticker", "template", "text", "to", "type", "video",
}

// parameterIn returns the parameter that a text of Meta names, or "".
func parameterIn(text string) string {
	if found := parameterNames.FindStringSubmatch(strings.ToLower(text)); len(found) == 2 && slices.Contains(parameters, found[1]) {
		return found[1]
	}

	if quotes.MatchString(text) {
		return parameterContext
	}

	return ""
}
