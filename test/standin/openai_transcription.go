// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
)

// maxRecordingBytes is the size of a recording.
//
// Source: https://platform.openai.com/docs/guides/speech-to-text
const maxRecordingBytes = 25 << 20

// recordingFormats are the extensions of the files that are transcribed: OpenAI goes by the name.
var recordingFormats = []string{"flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"}

// transcriptionFields are the parameters of a transcription beside the file.
//
// Source: https://platform.openai.com/docs/api-reference/audio/createTranscription
var transcriptionFields = []string{
	"chunking_strategy", "include[]", "language", "model", "prompt", "response_format", "stream", "temperature",
	"timestamp_granularities[]",
}

// Recording is a recording to transcribe.
type Recording struct {
	Model string `json:"model"`
	// Name is the name of the file, ContentType that of its part.
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Bytes       int64  `json:"bytes"`
	SHA256      string `json:"sha256"`
	// Fields are the other parameters.
	Fields map[string]string `json:"fields,omitempty"`
}

// plainText is an answer that is not JSON.
type plainText string

// EchoTranscription says how large a recording is.
func EchoTranscription(recording Recording) any {
	return fmt.Sprintf("a voice message of %d bytes", recording.Bytes)
}

// transcribe answers a request for a transcription.
func (o *OpenAI) transcribe(r *http.Request) any {
	recording, err := o.readRecording(r)
	if problem, ok := errors.AsType[OpenAIError](err); ok {
		return problem
	}

	if err != nil {
		return OpenAIError{Message: "Could not parse multipart form: " + err.Error()}
	}

	o.HeardLog.add(recording)

	switch text := o.options.Transcribe(recording).(type) {
	case OpenAIError:
		return text
	case string:
		if recording.Fields["response_format"] == "text" {
			return plainText(text + "\n")
		}

		return map[string]any{
			"text":  text,
			"usage": map[string]any{"type": "duration", "seconds": 2},
		}
	}

	return OpenAIServerError
}

func (o *OpenAI) readRecording(r *http.Request) (Recording, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return Recording{}, err
	}

	recording := Recording{Fields: map[string]string{}}
	found := false

	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}

		if err != nil {
			return Recording{}, fmt.Errorf("reading a part: %w", err)
		}

		if part.FormName() == "file" && part.FileName() != "" {
			found = true
			recording.Name = part.FileName()
			recording.ContentType = part.Header.Get("Content-Type")
			err = recording.read(part)
		} else {
			err = recording.readField(part.FormName(), part, o.options.Lenient)
		}

		if err != nil {
			return Recording{}, err
		}
	}

	return recording, o.checkRecording(recording, found)
}

func (r *Recording) read(content io.Reader) error {
	hash := sha256.New()

	n, err := io.Copy(hash, io.LimitReader(content, maxRecordingBytes+1))
	if err != nil {
		return fmt.Errorf("reading the file: %w", err)
	}

	r.Bytes = n
	r.SHA256 = hex.EncodeToString(hash.Sum(nil))

	return nil
}

func (r *Recording) readField(name string, content io.Reader, lenient bool) error {
	value, err := io.ReadAll(io.LimitReader(content, maxGraphBody))
	if err != nil {
		return fmt.Errorf("reading the parameter %s: %w", name, err)
	}

	if !lenient && !slices.Contains(transcriptionFields, name) {
		return unknownParameter(name)
	}

	if name == "model" {
		r.Model = string(value)
	} else {
		r.Fields[name] = string(value)
	}

	return nil
}

func (o *OpenAI) checkRecording(recording Recording, found bool) error {
	extension := strings.ToLower(strings.TrimPrefix(path.Ext(recording.Name), "."))
	format := cmp.Or(recording.Fields["response_format"], "json")

	switch {
	case !found:
		return missingParameter("file")
	case recording.Model == "":
		return OpenAIError{Message: "you must provide a model parameter"}
	case !slices.Contains(o.options.TranscriptionModels, recording.Model):
		return unknownModel(recording.Model)
	case !slices.Contains(recordingFormats, extension):
		return OpenAIError{
			Message: "Invalid file format. Supported formats: ['" + strings.Join(recordingFormats, "', '") + "']",
		}
	case recording.Bytes == 0:
		return OpenAIError{
			Message: "Audio file is too short. Minimum audio length is 0.1 seconds.",
			Param:   "file",
			Code:    "audio_too_short",
		}
	case recording.Bytes > maxRecordingBytes:
		return OpenAIError{
			Status:  http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("Maximum content size limit (%d) exceeded", maxRecordingBytes),
			Type:    "server_error",
		}
	case format != "json" && format != "text":
		return OpenAIError{
			Message: fmt.Sprintf("response_format '%s' is not compatible with model '%s'. Use 'json' or 'text' instead.",
				format, recording.Model),
			Param: "response_format",
			Code:  "unsupported_value",
		}
	}

	return nil
}
