// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"time"
)

// modified is the time of all files, the earliest that a zip can have.
var modified = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// entry is a file in an archive.
type entry struct {
	name    string
	mode    fs.FileMode
	content []byte
}

// pack returns an archive in the format that is common on the platform: a zip on Windows, a compressed tar elsewhere.
func pack(p platform, entries []entry) ([]byte, error) {
	if p.os == "windows" {
		return packZip(entries)
	}

	return packTar(entries)
}

func packTar(entries []entry) ([]byte, error) {
	var archive bytes.Buffer

	compressed, err := gzip.NewWriterLevel(&archive, gzip.BestCompression)
	if err != nil {
		return nil, err
	}

	w := tar.NewWriter(compressed)

	for _, e := range entries {
		header := &tar.Header{
			Typeflag: tar.TypeReg,
			Name:     e.name,
			Mode:     int64(e.mode.Perm()),
			Size:     int64(len(e.content)),
			ModTime:  modified,
			Format:   tar.FormatUSTAR,
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}

		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}

	if err := errors.Join(w.Close(), compressed.Close()); err != nil {
		return nil, err
	}

	return archive.Bytes(), nil
}

func packZip(entries []entry) ([]byte, error) {
	var archive bytes.Buffer

	w := zip.NewWriter(&archive)

	for _, e := range entries {
		header := &zip.FileHeader{
			Name:     e.name,
			Method:   zip.Deflate,
			Modified: modified,
		}
		header.SetMode(e.mode)

		file, err := w.CreateHeader(header)
		if err != nil {
			return nil, err
		}

		if _, err := file.Write(e.content); err != nil {
			return nil, err
		}
	}

	if err := w.Close(); err != nil {
		return nil, err
	}

	return archive.Bytes(), nil
}
