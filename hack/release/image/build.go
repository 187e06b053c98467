// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Build builds the image of all platforms. It returns an error if one is too large.
func (b Builder) Build(ctx context.Context, t Target) (*Built, error) {
	images, err := b.images(ctx, t)
	if err != nil {
		return nil, err
	}

	if err := b.checkSizes(images); err != nil {
		return nil, err
	}

	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, image := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image.Image,
			Descriptor: v1.Descriptor{Platform: &image.Platform},
		})
	}

	annotated, ok := mutate.Annotations(index, b.described(t).Annotations()).(v1.ImageIndex)
	if !ok {
		return nil, errors.New("the annotated index is not an index")
	}

	return &Built{
		Target: t,
		Index:  annotated,
		Images: images,
	}, nil
}

func (b Builder) checkSizes(images []Platform) error {
	var tooLarge error

	for _, image := range images {
		size, err := CompressedSize(image)
		if err != nil {
			return err
		}

		if size > b.MaxSize {
			err := fmt.Errorf("%s has %d compressed bytes; the limit is %d", image.Platform, size, b.MaxSize)
			tooLarge = errors.Join(tooLarge, err)
		}
	}

	return tooLarge
}

// images returns the image of each platform, in the order of the platforms.
func (b Builder) images(ctx context.Context, t Target) ([]Platform, error) {
	base, err := Layer(rootFiles()...)
	if err != nil {
		return nil, err
	}

	folder, err := os.MkdirTemp("", "images-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)

	images := make([]Platform, 0, len(b.Platforms))
	for _, platform := range b.Platforms {
		binary := filepath.Join(folder, platform.Architecture)
		if err := b.compile(ctx, t.Package, platform, binary); err != nil {
			return nil, fmt.Errorf("%s: %w", platform, err)
		}

		content, err := os.ReadFile(binary)
		if err != nil {
			return nil, err
		}

		info, err := buildinfo.Read(bytes.NewReader(content))
		if err != nil {
			return nil, fmt.Errorf("%s: read the modules of the program: %w", platform, err)
		}

		program, err := Layer(File{
			Name:    t.Name,
			Mode:    0o755,
			Content: content,
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", platform, err)
		}

		image, err := b.image(t, platform, base, program)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", platform, err)
		}

		images = append(images, Platform{
			Image:    image,
			Platform: platform,
			Program:  info,
		})
	}

	return images, nil
}

// compile builds the package as `make build` does, but without the differences between machines: the state of the checkout,
// and an architecture level set in go env.
func (b Builder) compile(ctx context.Context, pkg string, platform v1.Platform, binary string) error {
	//nolint:gosec // the packages are the caller's own
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.version="+b.Version, "-o", binary, pkg)
	build.Dir = b.Module

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
