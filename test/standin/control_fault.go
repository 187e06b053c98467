// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"fmt"
	"time"
)

// faultJSON is a Fault in the control API: the delay is written as "1.5s", a Graph error as its code.
type faultJSON struct {
	Method      string          `json:"method,omitempty"`
	PathPrefix  string          `json:"pathPrefix,omitempty"`
	GraphError  *graphErrorJSON `json:"graphError,omitempty"`
	Status      int             `json:"status,omitempty"`
	Body        string          `json:"body,omitempty"`
	RetryAfter  string          `json:"retryAfter,omitempty"`
	Delay       string          `json:"delay,omitempty"`
	Hang        bool            `json:"hang,omitempty"`
	Cut         CutPoint        `json:"cut,omitempty"`
	AfterEffect bool            `json:"afterEffect,omitempty"`
	Times       int             `json:"times,omitempty"`
}

type graphErrorJSON struct {
	Code        int    `json:"code"`
	Subcode     int    `json:"subcode"`
	Message     string `json:"message"`
	Details     string `json:"details"`
	UserTitle   string `json:"userTitle"`
	UserMessage string `json:"userMessage"`
	Transient   bool   `json:"transient"`
}

type activeJSON struct {
	ID     int       `json:"id"`
	Played int       `json:"played"`
	Fault  faultJSON `json:"fault"`
}

func newFaultJSON(f Fault) faultJSON {
	j := faultJSON{
		Method:      f.Method,
		PathPrefix:  f.PathPrefix,
		Status:      f.Status,
		Body:        f.Body,
		RetryAfter:  f.RetryAfter,
		Hang:        f.Hang,
		Cut:         f.Cut,
		AfterEffect: f.AfterEffect,
		Times:       f.Times,
	}
	if f.Delay > 0 {
		j.Delay = f.Delay.String()
	}

	return j
}

func (j faultJSON) fault() (Fault, error) {
	fault := Fault{
		Method:      j.Method,
		PathPrefix:  j.PathPrefix,
		Status:      j.Status,
		Body:        j.Body,
		RetryAfter:  j.RetryAfter,
		Hang:        j.Hang,
		Cut:         j.Cut,
		AfterEffect: j.AfterEffect,
		Times:       j.Times,
	}
	if j.GraphError != nil {
		answer := APIError{
			Code:        j.GraphError.Code,
			Subcode:     j.GraphError.Subcode,
			Message:     j.GraphError.Message,
			Details:     j.GraphError.Details,
			UserTitle:   j.GraphError.UserTitle,
			UserMessage: j.GraphError.UserMessage,
			Transient:   j.GraphError.Transient,
			Status:      j.Status,
		}.Fault()
		fault.Status = answer.Status
		fault.Body = answer.Body
	}

	if j.Delay != "" {
		delay, err := time.ParseDuration(j.Delay)
		if err != nil {
			return Fault{}, fmt.Errorf("delay: %w", err)
		}

		fault.Delay = delay
	}

	return fault, fault.Validate()
}
