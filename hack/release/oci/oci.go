// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package oci pushes the artifacts of a release to a registry, and attaches statements to them as referrers
// (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers). The password comes from the
// configuration file of Docker. It speaks HTTP with loopback and private addresses only.
package oci

import (
	"bytes"
	"context"
	"encoding/json"
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
	"github.com/google/go-containerregistry/pkg/v1/static"
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

// Artifact is a manifest that is not an image.
type Artifact struct {
	// Type is empty if the type of the configuration tells it.
	Type        string
	ConfigType  types.MediaType
	Config      []byte
	LayerType   types.MediaType
	Layer       []byte
	LayerNotes  map[string]string
	Annotations map[string]string
	// Subject is what the artifact refers to. Defaults to nothing.
	Subject *v1.Descriptor
	// Replace is set if the tag may name something else already.
	Replace bool
}

// manifest is one of OCI 1.1 with the type of its artifact.
type manifest struct {
	v1.Manifest

	ArtifactType string `json:"artifactType,omitempty"`
}

// RawManifest implements remote.Taggable.
func (m manifest) RawManifest() ([]byte, error) { return json.Marshal(m) }

// MediaType implements partial.Describable.
func (m manifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// PushArtifact pushes an artifact by its digest, tags it unless the tag is empty, and returns its digest.
func PushArtifact(ctx context.Context, repository name.Repository, tag string, a Artifact) (v1.Descriptor, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()

	if a.ConfigType == "" {
		a.ConfigType = emptyConfig
		a.Config = []byte("{}")
	}

	m, err := pushBlobs(ctx, repository, a)
	if err != nil {
		return v1.Descriptor{}, err
	}

	raw, err := m.RawManifest()
	if err != nil {
		return v1.Descriptor{}, err
	}

	digest, size, err := v1.SHA256(bytes.NewReader(raw))
	if err != nil {
		return v1.Descriptor{}, err
	}

	if err := remote.Put(repository.Digest(digest.String()), m, options(ctx)...); err != nil {
		return v1.Descriptor{}, fmt.Errorf("push %s@%s: %w", repository, digest, err)
	}

	pushed := v1.Descriptor{
		MediaType: types.OCIManifestSchema1,
		Digest:    digest,
		Size:      size,
	}
	if tag == "" {
		return pushed, nil
	}

	if !a.Replace {
		if err := checkTag(ctx, repository.Tag(tag), digest); err != nil {
			return v1.Descriptor{}, err
		}
	}

	return pushed, remote.Tag(repository.Tag(tag), m, options(ctx)...)
}

// pushBlobs pushes the configuration and the content of an artifact, and returns its manifest.
func pushBlobs(ctx context.Context, repository name.Repository, a Artifact) (manifest, error) {
	m := manifest{
		Manifest: v1.Manifest{
			SchemaVersion: 2,
			MediaType:     types.OCIManifestSchema1,
			Layers:        []v1.Descriptor{{}},
			Annotations:   a.Annotations,
			Subject:       a.Subject,
		},
		ArtifactType: a.Type,
	}

	for _, blob := range []struct {
		layer       v1.Layer
		described   *v1.Descriptor
		annotations map[string]string
	}{
		{static.NewLayer(a.Config, a.ConfigType), &m.Config, nil},
		{static.NewLayer(a.Layer, a.LayerType), &m.Layers[0], a.LayerNotes},
	} {
		if err := describe(blob.layer, blob.described); err != nil {
			return m, err
		}

		blob.described.Annotations = blob.annotations

		if err := remote.WriteLayer(repository, blob.layer, options(ctx)...); err != nil {
			return m, fmt.Errorf("push to %s: %w", repository, err)
		}
	}

	return m, nil
}

func describe(layer v1.Layer, d *v1.Descriptor) error {
	var err error
	if d.Digest, err = layer.Digest(); err != nil {
		return err
	}

	if d.Size, err = layer.Size(); err != nil {
		return err
	}

	d.MediaType, err = layer.MediaType()

	return err
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
