// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
)

// uploadMedia serves POST /{phone-number-id}/media.
func (g *Graph) uploadMedia(r *http.Request) (any, *problem) {
	number := r.PathValue("id")
	if !g.hasNumber(number) {
		return nil, unknownObject(r, number)
	}

	form, err := r.MultipartReader()
	if err != nil {
		return nil, invalid("The request is not multipart/form-data: %v", err)
	}

	upload := medium{owner: number}
	product := ""

	file := false
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}

		if err == nil {
			switch part.FormName() {
			case "messaging_product":
				product, err = readField(part)
			case "type":
				upload.mime, err = readField(part)
			case "file":
				file = true
				err = upload.readFile(part)
			}
		}

		if err != nil {
			return nil, uploadProblem(err)
		}
	}

	switch {
	case product != "whatsapp":
		return nil, invalid("The parameter messaging_product is required.")
	case !file:
		return nil, invalid("The parameter file is required.")
	case upload.mime == "":
		return nil, invalid("The parameter type is required.")
	}

	if p := checkUpload(upload); p != nil {
		return nil, p
	}

	seed := sha256.Sum256([]byte(g.unique()))
	id := digitsOf(seed[:], 16)
	g.media.put(id, upload)

	return map[string]string{"id": id}, nil
}

// uploadLimits are the sizes up to which a file of each type may be sent.
//
// Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
var uploadLimits = map[string]int64{
	"audio/aac":       16 << 20,
	"audio/amr":       16 << 20,
	"audio/mp4":       16 << 20,
	"audio/mpeg":      16 << 20,
	"audio/ogg":       16 << 20,
	"image/jpeg":      5 << 20,
	"image/png":       5 << 20,
	"image/webp":      500 << 10,
	"video/3gpp":      16 << 20,
	"video/mp4":       16 << 20,
	"text/plain":      100 << 20,
	"application/pdf": 100 << 20,

	"application/msword":            100 << 20,
	"application/vnd.ms-excel":      100 << 20,
	"application/vnd.ms-powerpoint": 100 << 20,

	"application/vnd.openxmlformats-officedocument.presentationml.presentation": 100 << 20,
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         100 << 20,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   100 << 20,
}

// checkUpload refuses files that WhatsApp cannot send.
func checkUpload(upload medium) *problem {
	kind, _, err := mime.ParseMediaType(upload.mime)

	limit, known := uploadLimits[kind]
	if err != nil || !known {
		return invalid("Param file must be a file with one of the following types: %s. Received file of type '%s'.",
			strings.Join(slices.Sorted(maps.Keys(uploadLimits)), ", "), upload.mime)
	}

	if upload.size > limit {
		return refused(131053, "The file has %d bytes, more than the %d that a file of type %s may have", upload.size, limit, kind)
	}

	return nil
}

func uploadProblem(err error) *problem {
	p := &problem{code: 131053, details: "The upload cannot be read: " + err.Error()}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		p.status = http.StatusRequestEntityTooLarge
	}

	return p
}

func readField(part *multipart.Part) (string, error) {
	value, err := io.ReadAll(io.LimitReader(part, 1024))
	return string(value), err
}

// readFile hashes a part while reading it, and stores it up to maxStoredUpload bytes.
func (m *medium) readFile(part *multipart.Part) error {
	if m.mime == "" {
		m.mime = part.Header.Get("Content-Type")
	}

	hash := sha256.New()
	stream := io.TeeReader(part, hash)

	content, err := io.ReadAll(io.LimitReader(stream, maxStoredUpload+1))
	if err != nil {
		return err
	}

	rest, err := io.Copy(io.Discard, stream)
	if err != nil {
		return err
	}

	m.size = int64(len(content)) + rest

	m.sha256 = hex.EncodeToString(hash.Sum(nil))
	if len(content) <= maxStoredUpload {
		m.content = content
	}

	return nil
}
