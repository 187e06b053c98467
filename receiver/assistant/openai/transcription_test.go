// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

func audioRequest(mimeType, content string) assistant.Request {
	return assistant.Request{
		Method: assistant.TranscribeAudio,
		Media:  mediaOf(mimeType, "", content),
		Body:   assistant.MediaAnalysis{Common: common},
	}
}

func TestTranscription(t *testing.T) {
	for mimeType, name := range map[string]string{
		"audio/ogg; codecs=opus": "voice.ogg",
		"audio/mpeg":             "voice.mp3",
		"audio/mp4":              "voice.m4a",
		"audio/aac":              "voice.m4a",
		"audio/unknown":          "voice.ogg",
	} {
		server := serverOf(t, standin.OpenAIOptions{Transcribe: func(standin.Recording) any { return " Quiero dos. \n" }})

		analysis, err := aiOf(t, server, nil).Analyze(t.Context(), audioRequest(mimeType, "OggS"))
		if err != nil {
			t.Fatalf("%s: %v", mimeType, err)
		}

		if analysis.Transcript != "Quiero dos." {
			t.Errorf("%s: the transcript is %q", mimeType, analysis.Transcript)
		}

		want := []standin.Recording{{
			Model:  standin.OpenAITranscriptionModel,
			Name:   name,
			Bytes:  4,
			Fields: map[string]string{"response_format": "json"},
		}}
		if diff := cmp.Diff(want, server.HeardLog.All(), cmpopts.IgnoreFields(standin.Recording{}, "SHA256", "ContentType")); diff != "" {
			t.Errorf("%s: recording (-want +got):\n%s", mimeType, diff)
		}
	}
}

func TestAnAudioWithoutWordsIsAVoiceMessage(t *testing.T) {
	server := serverOf(t, standin.OpenAIOptions{Transcribe: func(standin.Recording) any { return " " }})

	analysis, err := aiOf(t, server, nil).Analyze(t.Context(), audioRequest("audio/ogg", "OggS"))
	if err != nil || analysis.Transcript != "[voice message]" {
		t.Errorf("transcript = %q, %v", analysis.Transcript, err)
	}
}

// TestRefusedTranscriptions checks that only voice messages wait for a wrong model, and that an audio that cannot be
// transcribed is not a failure of the message.
func TestRefusedTranscriptions(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		class  failure.Class
		scope  failure.Scope
		code   string
	}{
		"format":   {400, message400("Invalid file format."), failure.Permanent, failure.ScopeNone, assistant.CodeNoTranscript},
		"length":   {400, `{"error":{"code":"audio_too_short"}}`, failure.Permanent, failure.ScopeNone, assistant.CodeNoTranscript},
		"size":     {413, "", failure.Permanent, failure.ScopeNone, assistant.CodeNoTranscript},
		"model":    {404, `{"error":{"code":"model_not_found"}}`, failure.Configuration, failure.ScopeAIMethod, codeNoModel},
		"address":  {404, "404 page not found", failure.Configuration, failure.ScopeAIMethod, "http_404"},
		"key":      {401, "", failure.Configuration, failure.ScopeAI, "http_401"},
		"rate":     {429, "", failure.RateLimited, failure.ScopeAI, "http_429"},
		"overload": {503, "", failure.Transient, failure.ScopeAI, "http_503"},
	} {
		server := &refuseOnce{status: c.status, body: c.body, always: true}

		_, err := aiOf(t, server, nil).Analyze(t.Context(), audioRequest("audio/ogg", "OggS"))

		f := failure.Of(err)
		if f.Class != c.class || f.Scope != c.scope || f.Code != c.code || len(server.asked) != 1 {
			t.Errorf("%s: failure = %+v after %d requests, want %s, scope %q, code %s", name, f, len(server.asked), c.class, c.scope, c.code)
		}
	}

	for _, body := range []string{`{}`, `"text"`, `{"text":1}`, ""} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(body)) })

		_, err := aiOf(t, handler, nil).Analyze(t.Context(), audioRequest("audio/ogg", "OggS"))
		if f := failure.Of(err); f.Code != assistant.CodeBadResponse {
			t.Errorf("%s: failure = %+v, want a bad response", body, f)
		}
	}
}
