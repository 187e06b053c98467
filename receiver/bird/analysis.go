// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"bytes"
	"encoding/json"
)

// sureTranscript is the confidence above which a transcript replaces the audio.
const sureTranscript = 0.7

// Analysis is the result of an analysis method.
type Analysis struct {
	// Result is the complete JSON object of the contract, for [TextMessage.Analysis].
	Result json.RawMessage
	// Transcript is the text of an audio, or empty if Bird is not confident enough.
	Transcript string
}

// parseAnalysis decodes a 2xx body, with or without the result wrapper.
func parseAnalysis(m Method, body []byte) (Analysis, error) {
	op := string(m)

	var outer struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return Analysis{}, badResponse(op, "the analysis is not a JSON object")
	}

	result := body
	if outer.Result != nil {
		result = outer.Result

		var inner struct {
			Error json.RawMessage `json:"error"`
		}
		if json.Unmarshal(result, &inner) != nil {
			return Analysis{}, badResponse(op, "the analysis is not a JSON object")
		}

		if !present(outer.Error) {
			outer.Error = inner.Error
		}
	}

	var compact bytes.Buffer
	if err := json.Compact(&compact, result); err != nil || compact.Bytes()[0] != '{' {
		return Analysis{}, badResponse(op, "the analysis is not a JSON object")
	}

	if present(outer.Error) {
		return Analysis{}, badResponse(op, "the analysis is an error")
	}

	analysis := Analysis{Result: compact.Bytes()}
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

// present reports whether a property has a value other than null.
func present(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] != 'n' }
