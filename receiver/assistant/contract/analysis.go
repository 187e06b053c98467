// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/answer"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
)

var errNoObject = errors.New("the analysis is not a JSON object")

// sureTranscript is the confidence above which a transcript replaces the audio.
const sureTranscript = 0.7

// parseAnalysis decodes a 2xx body, with or without the result wrapper.
func parseAnalysis(m assistant.Method, body []byte) (assistant.Analysis, error) {
	var outer struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return assistant.Analysis{}, errNoObject
	}

	result := body
	if outer.Result != nil {
		result = outer.Result

		var inner struct {
			Error json.RawMessage `json:"error"`
		}
		if json.Unmarshal(result, &inner) != nil {
			return assistant.Analysis{}, errNoObject
		}

		if !answer.Present(outer.Error) {
			outer.Error = inner.Error
		}
	}

	var compact bytes.Buffer
	if err := json.Compact(&compact, result); err != nil || compact.Bytes()[0] != '{' {
		return assistant.Analysis{}, errNoObject
	}

	if answer.Present(outer.Error) {
		return assistant.Analysis{}, errors.New("the analysis is an error")
	}

	analysis := assistant.Analysis{Result: compact.Bytes()}
	if m == assistant.TranscribeAudio {
		var audio struct {
			Text       string  `json:"text"`
			Confidence float64 `json:"confidence"`
		}
		if err := answer.Decode(result, &audio); err != nil {
			return assistant.Analysis{}, fmt.Errorf("the transcript is %w", err)
		}

		if audio.Confidence > sureTranscript {
			analysis.Transcript = audio.Text
		}
	}

	return analysis, nil
}
