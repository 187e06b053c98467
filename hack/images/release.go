// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// release holds the settings common to the images of one run.
type release struct {
	version   string
	platforms []v1.Platform
	// created is the creation time in the images' configuration.
	created time.Time
	// maxSize bounds the compressed layers of one platform, in bytes.
	maxSize int64
	// module is the folder of the Go module. Defaults to the current one.
	module string
}

// publish builds the image, writes its archive to the file, and prints its digest and sizes.
func (r release) publish(ctx context.Context, t target, file string, stdout io.Writer) error {
	images, err := r.build(ctx, t)
	if err != nil {
		return err
	}

	var index v1.ImageIndex = empty.Index
	for i, image := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &r.platforms[i]},
		})
	}

	digest, err := index.Digest()
	if err != nil {
		return err
	}

	fmt.Fprintf(stdout, "%s: %s@%s\n", file, t.tag, digest)

	var tooLarge error

	for i, image := range images {
		size, err := compressedSize(image)
		if err != nil {
			return err
		}

		fmt.Fprintf(stdout, "  %-12s %5.1f MiB\n", r.platforms[i], float64(size)/(1<<20))

		if size > r.maxSize {
			err := fmt.Errorf("%s has %d compressed bytes; the limit is %d", r.platforms[i], size, r.maxSize)
			tooLarge = errors.Join(tooLarge, err)
		}
	}

	if tooLarge != nil {
		return tooLarge
	}

	return writeFile(file, func(w io.Writer) error { return writeArchive(w, t.tag, index, images) })
}

// build returns the image of each platform, in the order of the platforms.
func (r release) build(ctx context.Context, t target) ([]v1.Image, error) {
	base, err := layerOf(rootFiles()...)
	if err != nil {
		return nil, err
	}

	folder, err := os.MkdirTemp("", "images-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)

	images := make([]v1.Image, 0, len(r.platforms))
	for _, platform := range r.platforms {
		binary := filepath.Join(folder, platform.Architecture)
		if err := r.compile(ctx, t.pkg, platform, binary); err != nil {
			return nil, fmt.Errorf("%s: %w", platform, err)
		}

		content, err := os.ReadFile(binary)
		if err != nil {
			return nil, err
		}

		program, err := layerOf(rootFile{
			name:    t.name,
			mode:    0o755,
			content: content,
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", platform, err)
		}

		image, err := r.image(t, platform, base, program)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", platform, err)
		}

		images = append(images, image)
	}

	return images, nil
}

// compile builds the package as `make build` does, but without the differences between machines: the state of the checkout,
// and an architecture level set in go env.
func (r release) compile(ctx context.Context, pkg string, platform v1.Platform, binary string) error {
	//nolint:gosec // the packages are the caller's own
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.version="+r.version, "-o", binary, pkg)
	build.Dir = r.module

	build.Env = append(os.Environ(),
		"CGO_ENABLED=0",
		"GOOS="+platform.OS,
		"GOARCH="+platform.Architecture,
		"GOAMD64=v1",
		"GOARM64=v8.0",
	)
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, output)
	}

	return nil
}

// writeFile writes a file, and removes it after an error.
func writeFile(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}

	if err := errors.Join(write(file), file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}

	return nil
}
