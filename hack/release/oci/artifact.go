// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

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
