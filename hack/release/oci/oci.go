// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package oci pushes the artifacts of a release to a registry, and attaches statements to them as referrers
// (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers). The password comes from the
// configuration file of Docker. It speaks HTTP with loopback and private addresses only.
package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// callTimeout bounds each call, and the push of each layer.
	callTimeout = 10 * time.Minute
	// maxBlob bounds how much of a statement is read, in bytes.
	maxBlob = 16 << 20

	emptyConfig types.MediaType = "application/vnd.oci.empty.v1+json"
)

func options(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
}

// PushIndex pushes an image of several platforms by its digest, and then tags it.
func PushIndex(ctx context.Context, tag name.Tag, index v1.ImageIndex) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	digest, err := index.Digest()
	if err != nil {
		return err
	}

	if err := checkTag(ctx, tag, digest); err != nil {
		return err
	}

	if err := remote.WriteIndex(tag.Context().Digest(digest.String()), index, options(ctx)...); err != nil {
		return fmt.Errorf("push %s: %w", tag, err)
	}

	return remote.Tag(tag, index, options(ctx)...)
}

// PushImage pushes an image of one platform by its digest, and then tags it.
func PushImage(ctx context.Context, tag name.Tag, image v1.Image) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	digest, err := image.Digest()
	if err != nil {
		return err
	}

	if err := checkTag(ctx, tag, digest); err != nil {
		return err
	}

	if err := remote.Write(tag.Context().Digest(digest.String()), image, options(ctx)...); err != nil {
		return fmt.Errorf("push %s: %w", tag, err)
	}

	return remote.Tag(tag, image, options(ctx)...)
}

// checkTag returns an error if the tag names another digest: the artifact of a version never changes.
func checkTag(ctx context.Context, tag name.Tag, digest v1.Hash) error {
	found, err := Resolve(ctx, tag)

	switch {
	case err != nil:
		return err
	case found != nil && found.Digest != digest:
		return fmt.Errorf("%s exists and is %s, not %s: a released version never changes, so release another version", tag, found.Digest, digest)
	default:
		return nil
	}
}

// Resolve returns what a reference names, or nil if the registry does not have it.
func Resolve(ctx context.Context, reference name.Reference) (*v1.Descriptor, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()

	found, err := remote.Head(reference, options(ctx)...)
	if failed, ok := errors.AsType[*transport.Error](err); ok && failed.StatusCode == http.StatusNotFound {
		return nil, nil //nolint:nilnil // documented
	}

	if err != nil {
		return nil, fmt.Errorf("look %s up: %w", reference, err)
	}

	return found, nil
}

// Referrers returns the content of each artifact that refers to a digest and has one layer of a media type. The type of the
// artifact is not asked for, since some registries report another one.
func Referrers(ctx context.Context, subject name.Digest, layerType types.MediaType) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	index, err := remote.Referrers(subject, options(ctx)...)
	if err != nil {
		return nil, fmt.Errorf("list what refers to %s: %w", subject, err)
	}

	list, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}

	var all [][]byte

	for _, described := range list.Manifests {
		content, layer, err := Content(ctx, subject.Context().Digest(described.Digest.String()))
		if errors.Is(err, errOther) {
			continue
		}

		if err != nil {
			return nil, err
		}

		if layer.MediaType == layerType {
			all = append(all, content)
		}
	}

	return all, nil
}

var errOther = fmt.Errorf("it is not one layer of at most %d bytes", maxBlob)

// Content returns the content and the description of the only layer of an artifact.
func Content(ctx context.Context, reference name.Reference) ([]byte, v1.Descriptor, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	image, err := remote.Image(reference, options(ctx)...)
	if err != nil {
		return nil, v1.Descriptor{}, fmt.Errorf("get %s: %w", reference, err)
	}

	m, err := image.Manifest()
	if err != nil {
		return nil, v1.Descriptor{}, err
	}

	if len(m.Layers) != 1 || m.Layers[0].Size > maxBlob {
		return nil, v1.Descriptor{}, fmt.Errorf("%s: %w", reference, errOther)
	}

	layer, err := remote.Layer(reference.Context().Digest(m.Layers[0].Digest.String()), options(ctx)...)
	if err != nil {
		return nil, v1.Descriptor{}, err
	}

	// The reader checks the digest.
	compressed, err := layer.Compressed()
	if err != nil {
		return nil, v1.Descriptor{}, fmt.Errorf("get %s: %w", reference, err)
	}
	defer compressed.Close()

	content, err := io.ReadAll(io.LimitReader(compressed, maxBlob))

	return content, m.Layers[0], err
}
