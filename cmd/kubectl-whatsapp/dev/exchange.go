// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

const (
	// maxCaptured bounds the bytes of a body that are kept to describe it, maxShown the bytes that are shown.
	maxCaptured = 12 << 20
	maxShown    = 16 << 10
	// longestValue is the length above which a text in a body is cut, such as a file in base64.
	longestValue = 600
)

// captured is the start of a body. It is not safe for concurrent use.
type captured struct {
	bytes.Buffer
	total int64
}

// Write implements io.Writer. It never fails.
func (c *captured) Write(p []byte) (int, error) {
	c.total += int64(len(p))
	if room := maxCaptured - c.Len(); room > 0 {
		c.Buffer.Write(p[:min(room, len(p))])
	}

	return len(p), nil
}

// show describes the body: JSON with its long values cut, another text as it is, and the size of anything else.
func (c *captured) show(contentType string) string {
	mediaType, _, _ := mime.ParseMediaType(contentType)

	switch {
	case c.total == 0:
		return ""
	case c.total > int64(c.Len()):
		return describe(mediaType, c.total)
	case json.Valid(c.Bytes()):
		return cut(shorten(c.Bytes()))
	case strings.HasPrefix(mediaType, "multipart/") || !utf8.Valid(c.Bytes()):
		return describe(mediaType, c.total)
	default:
		return cut(c.String())
	}
}

func describe(mediaType string, size int64) string {
	if mediaType == "" {
		mediaType = "unknown type"
	}

	return fmt.Sprintf("(%s of %s)", sizeOf(size), mediaType)
}

func sizeOf(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
}

func cut(text string) string {
	if len(text) <= maxShown {
		return text
	}

	return strings.ToValidUTF8(text[:maxShown], "") + "\n… (cut)"
}

// shorten indents JSON and cuts its long texts. The order of keys stays.
func shorten(raw []byte) string {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()

	var (
		short  bytes.Buffer
		levels []jsonLevel
	)

	for {
		token, err := decoder.Token()
		if err != nil {
			break
		}

		closing := token == json.Delim('}') || token == json.Delim(']')

		isKey := false

		if n := len(levels); n > 0 && !closing {
			isKey = levels[n-1].separate(&short)
		}

		switch value := token.(type) {
		case json.Delim:
			short.WriteString(value.String())

			if closing {
				levels = levels[:len(levels)-1]
			} else {
				levels = append(levels, jsonLevel{object: value == '{'})
			}
		case string:
			if len(value) > longestValue && !isKey {
				kept := strings.ToValidUTF8(value[:longestValue/4], "")
				value = fmt.Sprintf("%s… (%s)", kept, sizeOf(int64(len(value))))
			}

			writeToken(&short, value)
		default:
			writeToken(&short, value)
		}
	}

	var indented bytes.Buffer
	if json.Indent(&indented, short.Bytes(), "", "  ") != nil {
		return short.String()
	}

	return indented.String()
}

// jsonLevel is an open object or array. Keys and values of an object are items each.
type jsonLevel struct {
	object bool
	items  int
}

// separate writes what stands before the next item, and reports whether it is a key.
func (l *jsonLevel) separate(b *bytes.Buffer) (isKey bool) {
	isKey = l.object && l.items%2 == 0

	switch {
	case l.object && !isKey:
		b.WriteByte(':')
	case l.items > 0:
		b.WriteByte(',')
	}

	l.items++

	return isKey
}

func writeToken(w io.Writer, value any) {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // a value that was decoded can be encoded
}

// watchedAnswer is an http.ResponseWriter that keeps the status and the start of the body.
type watchedAnswer struct {
	http.ResponseWriter
	status int
	body   captured
}

// Unwrap returns the writer for http.ResponseController.
func (a *watchedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *watchedAnswer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}

	a.ResponseWriter.WriteHeader(status)
}

func (a *watchedAnswer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}

	_, _ = a.body.Write(p)

	return a.ResponseWriter.Write(p)
}

// watchBody returns the body of a request as it is read, with a copy of its start.
func watchBody(r *http.Request) *captured {
	c := &captured{}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, c), r.Body}
	}

	return c
}

// exchangeOf describes a request and its answer, without credentials.
func exchangeOf(r *http.Request, address string, request *captured, answer *watchedAnswer) *Exchange {
	return &Exchange{
		Method:   r.Method,
		URL:      address,
		Status:   answer.status,
		Request:  request.show(r.Header.Get("Content-Type")),
		Response: answer.body.show(answer.Header().Get("Content-Type")),
	}
}
