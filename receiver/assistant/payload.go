// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package assistant

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// Payload is the body of a call: media between two parts that are in memory.
type Payload struct {
	contentType string
	head, tail  []byte
	media       *Media // nil: head is the complete body
	inBase64    bool
}

// NewJSON returns a JSON body.
func NewJSON(body []byte) *Payload { return &Payload{contentType: "application/json", head: body} }

// NewBase64 returns a JSON body with the content of media in base64 (RFC 4648) between head and tail.
func NewBase64(head []byte, media *Media, tail []byte) *Payload {
	return &Payload{
		contentType: "application/json",
		head:        head,
		tail:        tail,
		media:       media,
		inBase64:    true,
	}
}

// Part is a part of a multipart body that is in memory.
type Part struct {
	Name        string
	ContentType string // empty: none
	Body        []byte
}

// NewMultipart returns a multipart/form-data body with parts, and with the file of media as the last part, called name.
func NewMultipart(parts []Part, name string, media *Media) (*Payload, error) {
	var buffer bytes.Buffer

	form := multipart.NewWriter(&buffer)

	for _, part := range parts {
		if err := writePart(form, part); err != nil {
			return nil, fmt.Errorf("encode multipart: %w", err)
		}
	}

	_, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition(name, baseName(media.Filename))},
		"Content-Type":        {partType(media.MimeType)},
	})
	middle := buffer.Len()

	if err == nil {
		err = form.Close()
	}

	if err != nil {
		return nil, fmt.Errorf("encode multipart: %w", err)
	}

	return &Payload{
		contentType: form.FormDataContentType(),
		media:       media,
		head:        buffer.Bytes()[:middle],
		tail:        buffer.Bytes()[middle:],
	}, nil
}

func writePart(form *multipart.Writer, part Part) error {
	header := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q", part.Name)}}
	if part.ContentType != "" {
		header.Set("Content-Type", part.ContentType)
	}

	w, err := form.CreatePart(header)
	if err != nil {
		return err
	}

	_, err = w.Write(part.Body)

	return err
}

// baseName returns a person's file name without directories, so that a server may use it.
func baseName(filename string) string {
	name := filename[strings.LastIndexAny(filename, `/\`)+1:]
	if name == "" {
		return "media"
	}

	return name
}

// partType returns mimeType if it is valid, and so fit for a header, or else the generic type.
func partType(mimeType string) string {
	kind, parameters, err := mime.ParseMediaType(mimeType)
	if formatted := mime.FormatMediaType(kind, parameters); err == nil && formatted != "" {
		return formatted
	}

	return "application/octet-stream"
}

// ContentType returns the type of the body.
func (p *Payload) ContentType() string { return p.contentType }

// Size returns the length of the body in bytes.
func (p *Payload) Size() int64 {
	n := int64(len(p.head)) + int64(len(p.tail))
	switch {
	case p.media == nil:
		return n
	case p.inBase64:
		return n + (p.media.Size+2)/3*4
	default:
		return n + p.media.Size
	}
}

// Open returns a reader from the beginning of the body.
func (p *Payload) Open() (io.ReadCloser, error) {
	if p.media == nil {
		return io.NopCloser(bytes.NewReader(p.head)), nil
	}

	file, err := p.media.Content.Open()
	if err != nil {
		return nil, &failure.Error{
			Class: failure.Transient,
			Code:  CodeNoMedia,
			Text:  "the downloaded media cannot be read",
		}
	}

	content := io.LimitReader(file, p.media.Size)
	if p.inBase64 {
		content = &base64Reader{source: content}
	}

	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(p.head), content, bytes.NewReader(p.tail)), file}, nil
}

// base64Reader encodes its source in pieces, with padding.
type base64Reader struct {
	source io.Reader
	raw    [3 << 12]byte
	text   [4 << 12]byte
	rest   []byte // of text, not yet read
	err    error
}

func (r *base64Reader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 && r.err == nil {
		var n int

		n, r.err = io.ReadFull(r.source, r.raw[:]) // full pieces, so that only the last one is padded
		if errors.Is(r.err, io.ErrUnexpectedEOF) {
			r.err = io.EOF
		}

		base64.StdEncoding.Encode(r.text[:], r.raw[:n])
		r.rest = r.text[:base64.StdEncoding.EncodedLen(n)]
	}

	n := copy(p, r.rest)

	r.rest = r.rest[n:]
	if len(r.rest) == 0 {
		return n, r.err
	}

	return n, nil
}
