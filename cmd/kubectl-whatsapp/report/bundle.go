// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package report makes a bundle for a bug report: what a receiver, its resource and its objects say about themselves,
// without secrets, phone numbers and texts of people.
package report

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// The bounds of a bundle, before compression.
const (
	maxFile   = 4 << 20
	maxBundle = 64 << 20
)

// about is the first file of a bundle.
const about = `A bundle for a bug report of the whatsapp-webhook-operator.

index.json lists the files, and the missing ones with the reason.
Values of Secrets were never read. Phone numbers, message ids, tokens, credentials and the queries of URLs are masked, and
there are no texts of people. Names of your hosts, namespaces and objects are not masked, and neither are the paths of URLs,
which may hold a key: look through the files before you publish them.
`

// Index is the table of contents of a bundle.
type Index struct {
	Created time.Time `json:"created"`
	Tool    any       `json:"tool"`
	Subject string    `json:"subject"`
	Files   []File    `json:"files"`
	Missing []Missing `json:"missing"`
}

// File is a file of a bundle.
type File struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
	// Cut means that the beginning is missing, since the file was too large.
	Cut bool `json:"cut,omitempty"`
}

// Missing is a part that could not be collected, and the reason.
type Missing struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Bundle is a bundle that is being written.
type Bundle struct {
	zip   *zip.Writer
	index Index
	bytes int
	err   error // the first one of writing
}

// New begins a bundle about a subject. tool is the version of the tool.
func New(w io.Writer, subject string, tool any) *Bundle {
	b := &Bundle{
		zip: zip.NewWriter(w),
		index: Index{
			Created: time.Now().UTC().Truncate(time.Second),
			Tool:    tool,
			Subject: subject,
			Files:   []File{},
			Missing: []Missing{},
		},
	}
	b.write("README.txt", []byte(about))

	return b
}

// Close writes the index, and returns it.
func (b *Bundle) Close() (Index, error) {
	text, err := marshal(b.index)
	if err != nil {
		return b.index, err
	}

	b.write("index.json", redactQuoted(text))

	return b.index, errors.Join(b.err, b.zip.Close())
}

// JSON adds a value.
func (b *Bundle) JSON(name string, value any) {
	text, err := marshal(value)
	if err != nil {
		b.AddMissing(name, err)
		return
	}

	b.add(name, redactQuoted(text), false)
}

// Log adds lines of a log.
func (b *Bundle) Log(name string, text []byte) { b.add(name, redactLog(text), false) }

// addEnd adds the end of a log.
func (b *Bundle) addEnd(name string, end *logEnd) {
	text, cut := end.lines()
	b.add(name, redactLog(text), cut)
}

// Metrics adds metrics in the text format of Prometheus.
func (b *Bundle) Metrics(name string, text []byte) { b.add(name, redactQuoted(text), false) }

// AddMissing records a part that could not be collected.
func (b *Bundle) AddMissing(what string, why error) {
	b.index.Missing = append(b.index.Missing, Missing{What: what, Why: why.Error()})
}

// add adds a file whose content is redacted. cut says that its beginning is missing already. Of a file that is too large, the end
// stays.
func (b *Bundle) add(name string, content []byte, cut bool) {
	file := File{
		Name:  name,
		Bytes: len(content),
		Cut:   cut,
	}

	if len(content) > maxFile {
		content = content[len(content)-maxFile:]
		if i := bytes.IndexByte(content, '\n'); i >= 0 {
			content = content[i+1:]
		}

		file.Bytes = len(content)
		file.Cut = true
	}

	if b.bytes+len(content) > maxBundle {
		b.AddMissing(name, fmt.Errorf("the bundle has %d MiB already", b.bytes>>20))
		return
	}

	b.bytes += len(content)
	b.index.Files = append(b.index.Files, file)
	b.write(name, content)
}

func (b *Bundle) write(name string, content []byte) {
	file, err := b.zip.CreateHeader(&zip.FileHeader{
		Name:     name,
		Method:   zip.Deflate,
		Modified: b.index.Created,
	})
	if err == nil {
		_, err = file.Write(content)
	}

	if b.err == nil && err != nil {
		b.err = fmt.Errorf("write %s: %w", name, err)
	}
}

func marshal(value any) ([]byte, error) {
	var text bytes.Buffer

	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")

	if err := encoder.Encode(value); err != nil {
		return nil, err
	}

	return text.Bytes(), nil
}
