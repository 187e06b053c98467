// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// ServiceVersion is the path of the ClusterServiceVersion among the files of the bundle.
const ServiceVersion = "manifests/" + Name + ".clusterserviceversion.yaml"

// maxFiles bounds the files of an archive together, in bytes.
const maxFiles = 16 << 20

// Pack returns a compressed tar of the files. The same files and time give the same bytes.
func Pack(files map[string][]byte, created time.Time) ([]byte, error) {
	var archive bytes.Buffer

	compressed := gzip.NewWriter(&archive)
	tw := tar.NewWriter(compressed)

	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := tw.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg,
			Name:     name,
			Mode:     0o644,
			Size:     int64(len(files[name])),
			ModTime:  created.UTC().Truncate(time.Second),
			Format:   tar.FormatUSTAR,
		}); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}

		if _, err := tw.Write(files[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}

	if err := errors.Join(tw.Close(), compressed.Close()); err != nil {
		return nil, err
	}

	return archive.Bytes(), nil
}

// Unpack returns the files of an archive by their paths.
func Unpack(archive []byte) (map[string][]byte, error) {
	compressed, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}

	files := map[string][]byte{}

	for tr := tar.NewReader(io.LimitReader(compressed, maxFiles)); ; {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}

		if err != nil {
			return nil, err
		}

		if files[header.Name], err = io.ReadAll(tr); err != nil {
			return nil, fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}
