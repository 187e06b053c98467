// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"

	"github.com/wawebhook/whatsapp-webhook-operator/receiver/config"
	"github.com/wawebhook/whatsapp-webhook-operator/receiver/failure"
)

// maxInline is the size in bytes up to which media is sent as base64 by default.
const maxInline = 4 << 20

// Media is the file of a request. Content is read each time it is sent, in pieces.
type Media struct {
	ID       string  `json:"id"`
	MimeType string  `json:"mime_type"`
	SHA256   string  `json:"sha256"` // hexadecimal
	Size     int64   `json:"size"`   // bytes
	Filename string  `json:"filename"`
	Content  Content `json:"-"`
}

// Content can be read more than once.
type Content interface {
	// Open returns a reader from the beginning of the content.
	Open() (io.ReadCloser, error)
}

// transport is the encoding of the media of one call.
type transport string

const (
	inBase64    transport = "base64"
	inMultipart transport = "multipart"
)

func chooseTransport(setting config.MediaTransport, size int64) transport {
	if setting == config.TransportMultipart || setting != config.TransportBase64 && size > maxInline {
		return inMultipart
	}

	return inBase64
}

// payload is the body of a request: the media between two parts that are in memory.
type payload struct {
	contentType string
	head, tail  []byte
	media       *Media // nil: head is the complete body
	transport   transport
}

// encode returns the body of r. The transport is ignored without media.
func encode(r Request, how transport) (*payload, error) {
	fields, err := json.Marshal(r.Body)
	if err != nil {
		return nil, fmt.Errorf("encode the message: %w", err)
	}

	if r.Media == nil {
		return &payload{contentType: "application/json", head: fields}, nil
	}

	about, err := json.Marshal(struct {
		*Media
		Transport transport `json:"transport"`
	}{r.Media, how})
	if err != nil {
		return nil, fmt.Errorf("encode the description of the media: %w", err)
	}

	fields = append(fields[:len(fields)-1], `,"media":`...)

	fields = append(fields, about...)
	if how == inBase64 {
		fields = fmt.Appendf(fields, `,%q:"`, contract[r.Method].dataKey)

		return &payload{
			contentType: "application/json",
			head:        fields,
			tail:        []byte(`"}`),
			media:       r.Media,
			transport:   how,
		}, nil
	}

	return multiparted(append(fields, '}'), r.Media)
}

func multiparted(fields []byte, media *Media) (*payload, error) {
	var buffer bytes.Buffer

	form := multipart.NewWriter(&buffer)

	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="payload"`}, "Content-Type": {"application/json"},
	})
	if err == nil {
		_, err = part.Write(fields)
	}

	if err == nil {
		_, err = form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {multipart.FileContentDisposition("media", baseName(media.Filename))},
			"Content-Type":        {partType(media.MimeType)},
		})
	}

	middle := buffer.Len()

	if err == nil {
		err = form.Close()
	}

	if err != nil {
		return nil, fmt.Errorf("encode multipart: %w", err)
	}

	return &payload{
		contentType: form.FormDataContentType(),
		media:       media,
		transport:   inMultipart,
		head:        buffer.Bytes()[:middle],
		tail:        buffer.Bytes()[middle:],
	}, nil
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

// size returns the body's length in bytes.
func (p *payload) size() int64 {
	n := int64(len(p.head)) + int64(len(p.tail))
	switch {
	case p.media == nil:
		return n
	case p.transport == inBase64:
		return n + (p.media.Size+2)/3*4
	default:
		return n + p.media.Size
	}
}

// open returns a reader from the beginning of the body.
func (p *payload) open() (io.ReadCloser, error) {
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
	if p.transport == inBase64 {
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
