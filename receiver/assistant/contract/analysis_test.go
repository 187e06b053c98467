// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
)

func TestParseAnalysis(t *testing.T) {
	for name, tc := range map[string]struct {
		method assistant.Method
		body   string
		want   assistant.Analysis
	}{
		"image": {
			assistant.AnalyzeImage, ` {"description": "a cat", "objects_detected":["cat"]}`,
			assistant.Analysis{Result: json.RawMessage(`{"description":"a cat","objects_detected":["cat"]}`)},
		},
		"wrapped, error null":    {assistant.AnalyzeVideo, `{"result":{"summary":"s","error":null},"error":null}`, assistant.Analysis{Result: json.RawMessage(`{"summary":"s","error":null}`)}},
		"confident transcript":   {assistant.TranscribeAudio, `{"text":"hello","confidence":0.71}`, assistant.Analysis{Result: json.RawMessage(`{"text":"hello","confidence":0.71}`), Transcript: "hello"}},
		"unconfident transcript": {assistant.TranscribeAudio, `{"result":{"text":"hello","confidence":0.7}}`, assistant.Analysis{Result: json.RawMessage(`{"text":"hello","confidence":0.7}`)}},
		"no confidence":          {assistant.TranscribeAudio, `{"text":"hello"}`, assistant.Analysis{Result: json.RawMessage(`{"text":"hello"}`)}},
		"text of a document":     {assistant.ParseDocument, `{"text":"clause 1","confidence":1}`, assistant.Analysis{Result: json.RawMessage(`{"text":"clause 1","confidence":1}`)}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseAnalysis(tc.method, []byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("parseAnalysis() (-want +got):\n%s", diff)
			}
		})
	}

	for name, tc := range map[string]struct{ body, text string }{
		"empty":                  {"", "not a JSON object"},
		"a string":               {`"hello"`, "not a JSON object"},
		"null":                   {`null`, "not a JSON object"},
		"a list":                 {`[]`, "not a JSON object"},
		"result null":            {`{"result":null}`, "not a JSON object"},
		"result a string":        {`{"result":"hello"}`, "not a JSON object"},
		"error":                  {`{"error":"hello"}`, "is an error"},
		"error in result":        {`{"result":{"error":{"code":"E1"}}}`, "is an error"},
		"error and result":       {`{"result":{},"error":{"code":"E1"}}`, "is an error"},
		"text is a list":         {`{"text":["hello"],"confidence":1}`, "malformed: text"},
		"confidence is a string": {`{"text":"hello","confidence":"hello"}`, "malformed: confidence"},
	} {
		t.Run("refuses "+name, func(t *testing.T) {
			got, err := parseAnalysis(assistant.TranscribeAudio, []byte(tc.body))

			if err == nil || !strings.Contains(err.Error(), tc.text) || strings.Contains(err.Error(), "hello") {
				t.Errorf("parseAnalysis() = %+v, %v, want an error that says %q", got, err, tc.text)
			}
		})
	}
}

func FuzzParseAnalysis(f *testing.F) {
	f.Add([]byte(`{"result":{"text":"a","confidence":0.9}}`))
	f.Add([]byte(`{"error":{"code":1}}`))
	f.Add([]byte(`{"result":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		analysis, err := parseAnalysis(assistant.TranscribeAudio, body)
		if err != nil {
			return
		}

		if !json.Valid(analysis.Result) || analysis.Result[0] != '{' {
			t.Errorf("result = %q, want an object", analysis.Result)
		}
	})
}
