// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// WriteArchive writes an archive for `ctr images import`, `docker load`, `podman load` and `kind load image-archive`: an OCI
// image layout (https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md) of all platforms, with a
// manifest.json of the first one for a Docker that supports a single platform. `docker save` does the same.
func (b *Built) WriteArchive(w io.Writer) error {
	a := archive{tw: tar.NewWriter(w), written: map[v1.Hash]bool{}}
	if err := a.json("oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"}); err != nil {
		return err
	}

	if err := a.index(b.Tag, b.Index); err != nil {
		return fmt.Errorf("index: %w", err)
	}

	if err := a.dockerManifest(b.Tag, b.Images[0]); err != nil {
		return fmt.Errorf("manifest.json: %w", err)
	}

	for _, image := range b.Images {
		if err := a.image(image); err != nil {
			return err
		}
	}

	return a.tw.Close()
}

// archive writes an image layout to a tar archive.
type archive struct {
	tw *tar.Writer
	// written holds the blobs already written, since platforms share layers.
	written map[v1.Hash]bool
}

// index writes the index of the image, and that of the layout, which refers to it.
func (a archive) index(tag name.Tag, index v1.ImageIndex) error {
	raw, err := index.RawManifest()
	if err != nil {
		return err
	}

	digest, err := index.Digest()
	if err != nil {
		return err
	}

	err = a.json("index.json", v1.IndexManifest{
		SchemaVersion: 2,
		MediaType:     types.OCIImageIndex,
		Manifests: []v1.Descriptor{{
			MediaType: types.OCIImageIndex,
			Digest:    digest,
			Size:      int64(len(raw)),
			Annotations: map[string]string{
				"io.containerd.image.name":          tag.String(),
				"org.opencontainers.image.ref.name": tag.TagStr(),
			},
		}},
	})
	if err != nil {
		return err
	}

	return a.blob(digest, raw)
}

// dockerManifest writes the manifest.json that `docker load` reads.
func (a archive) dockerManifest(tag name.Tag, image v1.Image) error {
	manifest, err := image.Manifest()
	if err != nil {
		return err
	}

	described := tarball.Descriptor{Config: blobName(manifest.Config.Digest), RepoTags: []string{tag.String()}}
	for _, layer := range manifest.Layers {
		described.Layers = append(described.Layers, blobName(layer.Digest))
	}

	return a.json("manifest.json", tarball.Manifest{described})
}

// image writes the blobs of an image.
func (a archive) image(image v1.Image) error {
	manifest, err := image.RawManifest()
	if err != nil {
		return err
	}

	digest, err := image.Digest()
	if err != nil {
		return err
	}

	if err := a.blob(digest, manifest); err != nil {
		return err
	}

	config, err := image.RawConfigFile()
	if err != nil {
		return err
	}

	if digest, err = image.ConfigName(); err != nil {
		return err
	}

	if err := a.blob(digest, config); err != nil {
		return err
	}

	layers, err := image.Layers()
	if err != nil {
		return err
	}

	for _, layer := range layers {
		if err := a.layer(layer); err != nil {
			return err
		}
	}

	return nil
}

func (a archive) layer(layer v1.Layer) error {
	digest, err := layer.Digest()
	if err != nil {
		return err
	}

	compressed, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer compressed.Close()

	content, err := io.ReadAll(compressed)
	if err != nil {
		return err
	}

	return a.blob(digest, content)
}

func (a archive) json(name string, value any) error {
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode(value); err != nil {
		return err
	}

	return a.file(name, text.Bytes())
}

func (a archive) blob(digest v1.Hash, content []byte) error {
	if a.written[digest] {
		return nil
	}

	a.written[digest] = true

	return a.file(blobName(digest), content)
}

func (a archive) file(name string, content []byte) error {
	return writeEntry(a.tw, &tar.Header{
		Typeflag: tar.TypeReg,
		Name:     name,
		Mode:     0o644,
	}, content)
}

func blobName(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }
