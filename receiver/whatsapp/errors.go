// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"encoding/json"
	"fmt"
	"math"
)

// NoCode stands for an error without a code, since Meta uses 0 as a code.
const NoCode = -1

// ReportedError is an error in a webhook or in an answer of the Graph API. Meta's texts are not read, since they can
// contain what must not be logged; package cloudapi explains the codes.
type ReportedError struct {
	Code int // NoCode if there is none
}

// ParseReportedError parses an error object. It fails only if raw is not a JSON object.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/errors
func ParseReportedError(raw json.RawMessage) (ReportedError, error) {
	var e struct {
		Code Text `json:"code"`
	}
	if err := readObject(raw, &e); err != nil {
		return ReportedError{}, fmt.Errorf("read error: %w", err)
	}

	return ReportedError{Code: errorCode(e.Code)}, nil
}

func errorCode(t Text) int {
	n, ok := t.Number()
	if !ok || n != math.Trunc(n) || n < 0 || n > math.MaxInt32 {
		return NoCode
	}

	return int(n)
}

// firstErrorCode returns the first code in a list of errors, or 0 if none has a code above 0.
func firstErrorCode(list json.RawMessage) int {
	for _, element := range readList(list) {
		if e, err := ParseReportedError(element); err == nil && e.Code > 0 {
			return e.Code
		}
	}

	return 0
}
