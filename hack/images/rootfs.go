// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// A rootFile is a file of an image. It belongs to root: the program must not change what it runs from.
type rootFile struct {
	// name is the path below the root, with slashes.
	name    string
	mode    fs.FileMode
	content []byte
}

// rootFiles returns what all images have besides their program.
func rootFiles() []rootFile {
	return []rootFile{
		{
			name:    "etc/group",
			mode:    0o644,
			content: fmt.Appendf(nil, "root:x:0:\nnonroot:x:%d:\n", user),
		},
		{
			name: "etc/passwd",
			mode: 0o644,
			content: fmt.Appendf(nil,
				"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:%d:%d:nonroot:/nonexistent:/sbin/nologin\n", user, user),
		},
		{
			name:    "etc/ssl/certs/ca-certificates.crt",
			mode:    0o644,
			content: certificates(),
		},
	}
}

// certificates returns Mozilla's roots for TLS as PEM, where Go looks for them first. A root that Mozilla trusts up to a
// date only is left out: a file of certificates has no place for the date, and past it the root would go on being trusted.
func certificates() []byte {
	var file bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			file.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}

	return file.Bytes()
}

// writeRootFiles writes them into a folder, for builds with other means.
func writeRootFiles(folder string) error {
	for _, file := range rootFiles() {
		name := filepath.Join(folder, filepath.FromSlash(file.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // the program is not their owner, and has to read them
			return err
		}

		if err := os.WriteFile(name, file.content, file.mode); err != nil {
			return err
		}
	}

	return nil
}

// layerOf makes a layer of the files and the folders above them. Its times are 1970, so that a layer whose files are
// unchanged is the one that the nodes have.
func layerOf(files ...rootFile) (v1.Layer, error) {
	var content bytes.Buffer

	tw := tar.NewWriter(&content)

	written := map[string]bool{}
	for _, file := range files {
		for end, char := range file.name {
			folder := file.name[:end]
			if char != '/' || written[folder] {
				continue
			}

			written[folder] = true
			if err := writeEntry(tw, &tar.Header{
				Typeflag: tar.TypeDir,
				Name:     folder + "/",
				Mode:     0o755,
			}, nil); err != nil {
				return nil, err
			}
		}

		if err := writeEntry(tw, &tar.Header{
			Typeflag: tar.TypeReg,
			Name:     file.name,
			Mode:     int64(file.mode),
		}, file.content); err != nil {
			return nil, err
		}
	}

	if err := tw.Close(); err != nil {
		return nil, err
	}

	return tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer),
		tarball.WithCompressionLevel(gzip.BestCompression),
		tarball.WithCompressedCaching,
	)
}

// writeEntry writes an entry whose owner is root and whose time is 1970.
func writeEntry(tw *tar.Writer, header *tar.Header, content []byte) error {
	header.ModTime = time.Unix(0, 0)

	header.Size = int64(len(content))
	if err := tw.WriteHeader(header); err != nil {
		return fmt.Errorf("%s: %w", path.Clean(header.Name), err)
	}

	_, err := tw.Write(content)

	return err
}
