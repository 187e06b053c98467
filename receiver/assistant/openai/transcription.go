// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package openai

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/assistant"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/whatsapp"
)

// extensions are the extensions of audio files by their type: servers recognize the format by the name.
//
// Source: https://platform.openai.com/docs/guides/speech-to-text
var extensions = map[string]string{
	"audio/ogg":  ".ogg",
	"audio/opus": ".ogg",
	"audio/mpeg": ".mp3",
	"audio/mp3":  ".mp3",
	"audio/mp4":  ".m4a",
	"audio/aac":  ".m4a",
	"audio/wav":  ".wav",
	"audio/webm": ".webm",
	"audio/amr":  ".amr",
}

// transcription returns the call that turns an audio into text.
//
// Source: https://platform.openai.com/docs/api-reference/audio/createTranscription
func transcription(settings *config.Snapshot, r assistant.Request) (*assistant.Call, error) {
	if r.Media == nil {
		return nil, errors.New("there is no audio")
	}

	extension := extensions[baseType(r.Media.MimeType)]
	if extension == "" {
		extension = ".ogg"
	}

	recording := *r.Media
	recording.Filename = "voice" + extension

	payload, err := assistant.NewMultipart([]assistant.Part{
		{Name: "model", Body: []byte(settings.OpenAI.TranscriptionModel)},
		{Name: "response_format", Body: []byte("json")},
	}, "file", &recording)
	if err != nil {
		return nil, err
	}

	return newCall(settings, payload, "audio", "transcriptions"), nil
}

// Analysis implements assistant.Driver. An audio without words has the plain text of a voice message.
func (Driver) Analysis(_ assistant.Method, body []byte) (assistant.Analysis, error) {
	var given struct {
		Text *string `json:"text"`
	}
	if json.Unmarshal(body, &given) != nil || given.Text == nil {
		return assistant.Analysis{}, errors.New("the transcription has no text")
	}

	text := strings.TrimSpace(*given.Text)
	if text == "" {
		text = whatsapp.VoiceMessage
	}

	return assistant.Analysis{Transcript: text}, nil
}
