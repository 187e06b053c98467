// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package image

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
	"runtime/debug"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// File is a file of an image. Its owner is root, so that the program cannot change it.
type File struct {
	// Name is the path below the root, with slashes.
	Name    string
	Mode    fs.FileMode
	Content []byte
}

// rootFiles returns the files common to all images.
func rootFiles() []File {
	return []File{
		{
			Name:    "etc/group",
			Mode:    0o644,
			Content: fmt.Appendf(nil, "root:x:0:\nnonroot:x:%d:\n", user),
		},
		{
			Name: "etc/passwd",
			Mode: 0o644,
			Content: fmt.Appendf(nil,
				"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:%d:%d:nonroot:/nonexistent:/sbin/nologin\n", user, user),
		},
		{
			Name:    "etc/ssl/certs/ca-certificates.crt",
			Mode:    0o644,
			Content: certificates(),
		},
	}
}

// certificates returns Mozilla's TLS roots as PEM. Roots that Mozilla trusts up to a date only are left out: a certificate
// file cannot hold the date, so they would stay trusted after it.
func certificates() []byte {
	var file bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			file.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}

	return file.Bytes()
}

// RootsModule is the module that the certificates of the images come from.
const RootsModule = "golang.org/x/crypto/x509roots/fallback"

// RootsVersion returns the version of the certificates.
func RootsVersion() string {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == RootsModule {
			return dependency.Version
		}
	}

	return ""
}

// WriteRootFiles writes the files common to all images into a folder, for other ways to build an image.
func WriteRootFiles(folder string) error {
	for _, file := range rootFiles() {
		name := filepath.Join(folder, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // the program is not their owner, and must read them
			return err
		}

		if err := os.WriteFile(name, file.Content, file.Mode); err != nil {
			return err
		}
	}

	return nil
}

// Layer returns a layer of the files and their parent folders. Its times are 1970, so that a layer with unchanged files
// keeps its digest, and nodes do not pull it again.
func Layer(files ...File) (v1.Layer, error) {
	var content bytes.Buffer

	tw := tar.NewWriter(&content)

	written := map[string]bool{}
	for _, file := range files {
		for end, char := range file.Name {
			folder := file.Name[:end]
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
			Name:     file.Name,
			Mode:     int64(file.Mode),
		}, file.Content); err != nil {
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
