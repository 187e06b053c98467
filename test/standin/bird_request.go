// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// inlineMedia lists the payload keys that carry a medium in base64.
var inlineMedia = []string{"image_data", "audio_data", "video_data", "document_data", "media_data"}

// readRequest reads a payload and its medium, which is inline in JSON or a part of multipart/form-data.
func readRequest(r *http.Request) (BirdCall, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return BirdCall{}, fmt.Errorf("reading Content-Type: %w", err)
	}

	switch mediaType {
	case "application/json":
		return readJSON(r.Body)
	case "multipart/form-data":
		return readMultipart(r)
	}

	return BirdCall{}, fmt.Errorf("content type %q is neither application/json nor multipart/form-data", mediaType)
}

// setHeader stores what the path and the headers of a request say.
func (c *BirdCall) setHeader(r *http.Request) {
	c.Path = r.URL.Path
	c.IdempotencyKey = r.Header.Get("Idempotency-Key")
	c.Attempt, _ = strconv.Atoi(r.Header.Get("X-Attempt"))
}

// readJSON reads a payload and the medium that it has in base64.
func readJSON(body io.Reader) (BirdCall, error) {
	call, err := readPayload(body)
	if err != nil {
		return BirdCall{}, err
	}

	for _, key := range inlineMedia {
		value, present := call.Payload[key]
		if !present || value == nil {
			continue
		}

		encoded, isString := value.(string)
		if !isString {
			return BirdCall{}, fmt.Errorf("%s is not a string", key)
		}

		if err := call.readMedia(base64.NewDecoder(base64.StdEncoding, strings.NewReader(encoded))); err != nil {
			return BirdCall{}, fmt.Errorf("reading %s: %w", key, err)
		}
	}

	return call, nil
}

// readMultipart reads the parts payload and media in either order. It hashes the medium without storing it.
func readMultipart(r *http.Request) (BirdCall, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return BirdCall{}, fmt.Errorf("reading multipart/form-data: %w", err)
	}

	var call BirdCall
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}

		if err != nil {
			return BirdCall{}, fmt.Errorf("reading a part: %w", err)
		}

		switch part.FormName() {
		case "payload":
			var payload BirdCall

			payload, err = readPayload(http.MaxBytesReader(nil, part, maxBirdBody))
			call.Payload = payload.Payload
			call.size = payload.size
		case "media":
			err = call.readMedia(part)
		default:
			err = errors.New("unknown part: want payload or media")
		}

		if err != nil {
			return BirdCall{}, fmt.Errorf("reading part %q: %w", part.FormName(), err)
		}
	}

	if call.Payload == nil {
		return BirdCall{}, errors.New("missing part payload")
	}

	return call, nil
}

func readPayload(body io.Reader) (BirdCall, error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return BirdCall{}, fmt.Errorf("reading the payload: %w", err)
	}

	call := BirdCall{size: len(raw)}
	if err := json.Unmarshal(raw, &call.Payload); err != nil {
		return BirdCall{}, fmt.Errorf("the payload is not a JSON object: %w", err)
	}

	if call.Payload == nil {
		return BirdCall{}, errors.New("the payload is null")
	}

	return call, nil
}

func (c *BirdCall) readMedia(medium io.Reader) error {
	hash := sha256.New()

	n, err := io.Copy(hash, medium)
	if err != nil {
		return err
	}

	c.MediaBytes = n
	c.MediaSHA256 = hex.EncodeToString(hash.Sum(nil))

	return nil
}

// WantsLater are the words of a person that EchoReply answers later.
const WantsLater = "later please"

// EchoReply repeats the text of a message, the choice of an interaction or the caption of a medium. It returns nil for
// a status and an invented result for an analysis. It answers WantsLater later, and hands a conversation to people that
// WantsPerson.
func EchoReply(method string, request map[string]any) any {
	switch method {
	case "notify_bird_status_change":
		return nil
	case "analyze_image":
		return map[string]any{
			"description":      "a picture",
			"objects_detected": []string{"thing"},
			"text_detected":    "",
			"sentiment":        "neutral",
		}
	case "transcribe_audio":
		return map[string]any{
			"text":             "hello",
			"confidence":       0.95,
			"language":         "en",
			"duration_seconds": 2,
		}
	case "analyze_video":
		return map[string]any{"summary": "a video", "transcript": "hello"}
	case "parse_document":
		return map[string]any{
			"text":              "words",
			"summary":           "a document",
			"main_topics":       []string{},
			"suggested_actions": []string{},
			"page_count":        1,
		}
	}

	for _, key := range []string{"text", "button_title", "list_title", "caption"} {
		text, _ := request[key].(string)

		switch {
		case text == "":
			continue
		case strings.Contains(text, WantsLater):
			return Later{Responses: []any{"You said: " + text}}
		case strings.Contains(text, WantsPerson):
			return map[string]any{
				"response": "One moment, a colleague will write to you.",
				"handoff":  map[string]string{"reason": "the customer asked for a person"},
			}
		}

		return map[string]any{"response": "You said: " + text}
	}

	kind := strings.TrimSuffix(strings.TrimPrefix(method, "process_"), "_message")

	return map[string]any{"response": "You sent: " + kind}
}
