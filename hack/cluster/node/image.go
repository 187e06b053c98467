// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// writeImage writes the archive of an image with a single static program, which runs as an unprivileged user.
func writeImage(archive, image, program string) error {
	tag, err := name.NewTag(image)
	if err != nil {
		return err
	}

	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}

	var files bytes.Buffer

	tw := tar.NewWriter(&files)
	if err := tw.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg,
		Name:     filepath.Base(program),
		Mode:     0o755,
		Size:     int64(len(content)),
	}); err != nil {
		return err
	}

	if _, err := tw.Write(content); err != nil {
		return err
	}

	if err := tw.Close(); err != nil {
		return err
	}

	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files.Bytes())), nil
	})
	if err != nil {
		return err
	}

	// containerd skips an image without a platform.
	config := &v1.ConfigFile{
		OS:           "linux",
		Architecture: runtime.GOARCH,
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:       "65532:65532",
			Entrypoint: []string{"/" + filepath.Base(program)},
		},
	}

	base, err := mutate.ConfigFile(empty.Image, config)
	if err != nil {
		return fmt.Errorf("describe the image: %w", err)
	}

	withProgram, err := mutate.AppendLayers(base, layer)
	if err != nil {
		return fmt.Errorf("add the program to the image: %w", err)
	}

	return tarball.WriteToFile(archive, tag, withProgram)
}
