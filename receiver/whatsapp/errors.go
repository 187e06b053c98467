// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// NoCode stands for an error without a code, since Meta uses 0 as a code.
const NoCode = -1

// ParseErrorCode returns the code of an error object in a webhook or in an answer of the Graph API, or NoCode. It fails
// only if raw is not a JSON object. Meta's texts are not parsed, since they can contain personal data that must not be
// logged; package cloudapi explains the codes.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/errors
func ParseErrorCode(raw json.RawMessage) (int, error) {
	var e struct {
		Code Text `json:"code"`
	}
	if err := readObject(raw, &e); err != nil {
		return NoCode, fmt.Errorf("read error: %w", err)
	}

	n, ok := e.Code.Number()
	if !ok || n != math.Trunc(n) || n < 0 || n > math.MaxInt32 {
		return NoCode, nil
	}

	return int(n), nil
}

// firstErrorCode returns the first code in a list of errors, or 0 if none has a code above 0.
func firstErrorCode(list json.RawMessage) int {
	for _, element := range readList(list) {
		if code, err := ParseErrorCode(element); err == nil && code > 0 {
			return code
		}
	}

	return 0
}

// ErrorCode returns the first code of the errors in a message that Meta could not deliver completely, or 0.
func (m Message) ErrorCode() int {
	var message struct {
		Errors json.RawMessage `json:"errors"`
	}
	if readObject(m.Raw, &message) != nil {
		return 0
	}

	return firstErrorCode(message.Errors)
}

// fetchRefused matches how Meta's texts of an error name the HTTP status of a download, such as "failed with http code
// 404".
var fetchRefused = regexp.MustCompile(`(?i)\bhttp(?: response)?(?: status)?(?: code)?[ :=]+([1-5][0-9]{2})\b`)

// FetchStatus returns the HTTP status with which a server refused Meta's download of linked media, according to the texts in
// raw: a list of errors or one error. It returns 0 if they do not say. Meta's samples have the details in error_data, older
// ones beside the code.
func FetchStatus(raw json.RawMessage) int {
	for _, element := range readList(raw) {
		var e struct {
			Data    json.RawMessage `json:"error_data"`
			Details Text            `json:"details"`
			Message Text            `json:"message"`
		}
		if readObject(element, &e) != nil {
			continue
		}

		var (
			data struct {
				Details Text `json:"details"`
			}
			plain Text
		)

		_ = readObject(e.Data, &data) // an unexpected shape has no details
		_ = json.Unmarshal(e.Data, &plain)

		for _, text := range []Text{data.Details, plain, e.Details, e.Message} {
			if found := fetchRefused.FindStringSubmatch(string(text)); found != nil {
				status, _ := strconv.Atoi(found[1]) // three digits

				return status
			}
		}
	}

	return 0
}
