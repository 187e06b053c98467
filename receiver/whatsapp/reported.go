// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package whatsapp

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
)

// NoCode stands for an error without a code: Meta uses 0.
const NoCode = -1

// ReportedError is an error in a webhook: of a delivery, of a message that could not be handed over, or of a status.
// Meta's words may name what must not be logged; Meaning has words of our own.
type ReportedError struct {
	Code    int  `json:"code"` // NoCode where there is none
	Title   Text `json:"title,omitempty"`
	Message Text `json:"message,omitempty"` // mostly the title once more
	Details Text `json:"details,omitempty"`
}

// ParseReportedError reads an item of PartError; it fails only where raw is no JSON object.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/errors
func ParseReportedError(raw json.RawMessage) (ReportedError, error) {
	var e struct {
		Code    Text            `json:"code"`
		Title   Text            `json:"title"`
		Message Text            `json:"message"`
		Details Text            `json:"details"` // where it was before error_data
		Data    json.RawMessage `json:"error_data"`
	}
	if err := readObject(raw, &e); err != nil {
		return ReportedError{}, fmt.Errorf("read error: %w", err)
	}

	var data struct {
		Details Text `json:"details"`
	}

	_ = readObject(e.Data, &data) // of another shape, there are no details

	return ReportedError{
		Code:    errorCode(e.Code),
		Title:   e.Title,
		Message: e.Message,
		Details: cmp.Or(data.Details, e.Details),
	}, nil
}

func errorCode(t Text) int {
	n, ok := t.Number()
	if !ok || n != math.Trunc(n) || n < 0 || n > math.MaxInt32 {
		return NoCode
	}

	return int(n)
}

// reportedErrors reads a list of errors, without what is no object.
func reportedErrors(raw json.RawMessage) []ReportedError {
	var list []ReportedError
	for _, element := range readList(raw) {
		if e, err := ParseReportedError(element); err == nil {
			list = append(list, e)
		}
	}

	return list
}
