// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"bytes"
	"encoding/json"
)

// sureTranscript is the confidence above which a transcript stands for what the person said.
const sureTranscript = 0.7

// Analysis is what an analysis method found.
type Analysis struct {
	// Result is the JSON object of the contract, whole: what goes into [TextMessage.Analysis].
	Result json.RawMessage
	// Transcript is what was said in an audio, where Bird is sure enough of it; else empty.
	Transcript string
}

// parseAnalysis reads a 2xx body, with or without the result wrapper.
func parseAnalysis(m Method, body []byte) (Analysis, error) {
	op := string(m)

	var outer struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return Analysis{}, badResponse(op, "the analysis is no JSON object")
	}

	result := body
	if outer.Result != nil {
		result = outer.Result

		var inner struct {
			Error json.RawMessage `json:"error"`
		}
		if json.Unmarshal(result, &inner) != nil {
			return Analysis{}, badResponse(op, "the analysis is no JSON object")
		}

		if !present(outer.Error) {
			outer.Error = inner.Error
		}
	}

	var kept bytes.Buffer
	if err := json.Compact(&kept, result); err != nil || kept.Bytes()[0] != '{' {
		return Analysis{}, badResponse(op, "the analysis is no JSON object")
	}

	if present(outer.Error) {
		return Analysis{}, badResponse(op, "the analysis is an error")
	}

	analysis := Analysis{Result: kept.Bytes()}
	if m == TranscribeAudio {
		var audio struct {
			Text       string  `json:"text"`
			Confidence float64 `json:"confidence"`
		}
		if err := decode(result, &audio); err != nil {
			return Analysis{}, badResponse(op, "the transcript is "+err.Error())
		}

		if audio.Confidence > sureTranscript {
			analysis.Transcript = audio.Text
		}
	}

	return analysis, nil
}

// present tells a property with a value from one that is absent or null.
func present(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] != 'n' }
