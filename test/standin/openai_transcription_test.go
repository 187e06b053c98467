// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"maps"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

func TestTranscriptions(t *testing.T) {
	openAI := NewOpenAI(OpenAIOptions{NoKey: true})
	url, client := start(t, openAI)

	for _, tc := range []struct {
		name, file, content string
		fields              map[string]string
		status              int
		text                string
	}{
		{name: "voice message", file: "voice.ogg", content: "OggS", status: 200, text: `"text":"a voice message of 4 bytes"`},
		{name: "text", file: "voice.OGA", content: "OggS", fields: map[string]string{"response_format": "text"}, status: 200, text: "a voice message of 4 bytes\n"},
		{name: "unknown extension", file: "voice.opus", content: "OggS", status: 400, text: "Invalid file format"},
		{name: "no extension", file: "voice", content: "OggS", status: 400, text: "Invalid file format"},
		{name: "no content", file: "voice.ogg", status: 400, text: "audio_too_short"},
		{name: "too large", file: "voice.ogg", content: strings.Repeat("a", maxRecordingBytes+1), status: 413, text: "Maximum content size"},
		{name: "no file", status: 400, text: "missing_required_parameter"},
		{name: "unknown model", file: "voice.ogg", content: "OggS", fields: map[string]string{"model": "other"}, status: 404, text: "model_not_found"},
		{name: "no model", file: "voice.ogg", content: "OggS", fields: map[string]string{"model": ""}, status: 400, text: "model parameter"},
		{name: "unknown parameter", file: "voice.ogg", content: "OggS", fields: map[string]string{"speed": "2"}, status: 400, text: "unknown_parameter"},
		{name: "another format", file: "voice.ogg", content: "OggS", fields: map[string]string{"response_format": "srt"}, status: 400, text: "unsupported_value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var body bytes.Buffer

			form := multipart.NewWriter(&body)
			fields := map[string]string{"model": OpenAITranscriptionModel}
			maps.Copy(fields, tc.fields)

			for name, value := range fields {
				if err := form.WriteField(name, value); err != nil {
					t.Fatal(err)
				}
			}

			if tc.file != "" {
				part, err := form.CreateFormFile("file", tc.file)
				if err == nil {
					_, err = part.Write([]byte(tc.content))
				}

				if err != nil {
					t.Fatal(err)
				}
			}

			if err := form.Close(); err != nil {
				t.Fatal(err)
			}

			status, answer := do(t, client, request(t, http.MethodPost, url+"/v1/audio/transcriptions", body.String(),
				"Content-Type", form.FormDataContentType()))
			if status != tc.status || !strings.Contains(answer, tc.text) {
				t.Errorf("%d %s, want %d with %q", status, answer, tc.status, tc.text)
			}
		})
	}

	if heard := openAI.HeardLog.All(); len(heard) != 2 || heard[0].Name != "voice.ogg" || heard[0].Bytes != 4 {
		t.Errorf("heard %+v, want the two recordings", heard)
	}
}
