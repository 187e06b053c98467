// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/test/standin"
)

// file is a file that a person sends.
type file struct {
	name, mimeType string
	content        []byte
}

// upload sends a message with a file, from a form.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) (Message, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload+maxRequest)

	parts, err := r.MultipartReader()
	if err != nil {
		return Message{}, fmt.Errorf("read the form: %w", err)
	}

	fields := map[string]string{}

	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return Message{}, errors.New("the form has no part file")
		}

		if err != nil {
			return Message{}, fmt.Errorf("read the form: %w", err)
		}

		if part.FormName() == PartFile {
			sent, err := readFile(part)
			if err != nil {
				return Message{}, err
			}

			return s.sendFile(fields, sent)
		}

		value, err := io.ReadAll(io.LimitReader(part, 16<<10))
		if err != nil {
			return Message{}, fmt.Errorf("read the form: %w", err)
		}

		if len(fields) < 16 {
			fields[part.FormName()] = string(value)
		}
	}
}

func readFile(part *multipart.Part) (file, error) {
	content, err := io.ReadAll(http.MaxBytesReader(nil, part, maxUpload))
	if err != nil {
		return file{}, fmt.Errorf("read the file: %w", err)
	}

	if len(content) == 0 {
		return file{}, errors.New("the file is empty")
	}

	sent := file{
		name:     part.FileName(),
		mimeType: part.Header.Get("Content-Type"),
		content:  content,
	}
	if sent.mimeType == "" || sent.mimeType == "application/octet-stream" {
		sent.mimeType = http.DetectContentType(content)
	}

	return sent, nil
}

// fileTypes are the types of messages with a file, with the start of its MIME type.
var fileTypes = map[string]string{
	TypeImage:    "image/",
	TypeVideo:    "video/",
	TypeAudio:    "audio/",
	TypeVoice:    "", // browsers record in containers of video, too
	TypeSticker:  "image/webp",
	TypeDocument: "",
}

func (s *Server) sendFile(fields map[string]string, sent file) (Message, error) {
	person, err := s.chat.person(fields[PartPerson])
	if err != nil {
		return Message{}, err
	}

	kind := fields[PartType]
	if err := checkFileType(kind, sent); err != nil {
		return Message{}, err
	}

	if err := checkText("text", fields[PartText], 0, maxCaption); err != nil {
		return Message{}, err
	}

	m := Message{
		Type:    kind,
		Text:    fields[PartText],
		ReplyTo: fields[PartReplyTo],
		Media: &Media{
			ID:       newMediaID(),
			MIMEType: sent.mimeType,
			Size:     int64(len(sent.content)),
			Voice:    kind == TypeVoice,
		},
	}
	m.Media.URL = mediaURL(m.Media.ID)

	object := fileObject(&m, kind, sent)

	s.rig.Graph.PutMedia(m.Media.ID, sent.mimeType, sent.content)

	return s.write(person, m, standin.PersonMessage{Type: m.Type, Object: object}, kind)
}

func checkFileType(kind string, sent file) error {
	prefix, known := fileTypes[kind]

	switch {
	case !known:
		return fmt.Errorf("type %q is unknown: want image, video, audio, voice, document or sticker", kind)
	case !strings.HasPrefix(sent.mimeType, prefix):
		return fmt.Errorf("a file of type %s is no %s: WhatsApp sends it as a document", sent.mimeType, kind)
	}

	return nil
}

// fileObject adapts the message to its kind, and returns the object of the file in Meta's delivery.
func fileObject(m *Message, kind string, sent file) map[string]any {
	sum := sha256.Sum256(sent.content)
	object := map[string]any{
		"id":        m.Media.ID,
		"mime_type": sent.mimeType,
		"sha256":    base64.StdEncoding.EncodeToString(sum[:]),
	}

	switch kind {
	case TypeVoice:
		m.Type = TypeAudio
		m.Text = ""
		object["voice"] = true
	case TypeAudio:
		m.Text = ""
		object["voice"] = false
	case TypeSticker:
		m.Text = ""
		object["animated"] = false
	case TypeDocument:
		m.Media.Filename = sent.name
		object["filename"] = sent.name
	}

	if m.Text != "" {
		object["caption"] = m.Text
	}

	return object
}

// newMediaID returns an id in Meta's form.
func newMediaID() string {
	var random [8]byte

	_, _ = rand.Read(random[:]) // never fails

	return fmt.Sprint(100_000_000_000_000 + binary.BigEndian.Uint64(random[:])%900_000_000_000_000)
}

func mediaURL(id string) string { return "/api/media/" + id }
