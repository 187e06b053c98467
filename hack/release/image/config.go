// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is the user and group of the programs. It is a number, because runAsNonRoot cannot check a name.
const user = 65532

// image returns the same image that the Dockerfile builds.
func (b Builder) image(t Target, platform v1.Platform, layers ...v1.Layer) (v1.Image, error) {
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS:           platform.OS,
		Architecture: platform.Architecture,
		Created:      v1.Time{Time: b.Created},
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:       fmt.Sprintf("%d:%d", user, user),
			Entrypoint: []string{"/" + t.Name},
			WorkingDir: "/",
			Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Labels: map[string]string{
				"org.opencontainers.image.source":   Source,
				"org.opencontainers.image.licenses": "Apache-2.0",
				"org.opencontainers.image.version":  b.Version,
			},
		},
	})
	if err != nil {
		return nil, err
	}

	for _, layer := range layers {
		image, err = mutate.Append(image, mutate.Addendum{
			Layer:   layer,
			History: v1.History{Created: v1.Time{Time: b.Created}, CreatedBy: "hack/release"},
		})
		if err != nil {
			return nil, err
		}
	}

	image = mutate.ConfigMediaType(mutate.MediaType(image, types.OCIManifestSchema1), types.OCIConfigJSON)

	annotated, ok := mutate.Annotations(image, b.described(t).Annotations()).(v1.Image)
	if !ok {
		return nil, errors.New("the annotated image is not an image")
	}

	return annotated, nil
}

// CompressedSize returns the bytes of the layers of an image, as nodes pull them.
func CompressedSize(image v1.Image) (int64, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return 0, err
	}

	var size int64
	for _, layer := range manifest.Layers {
		size += layer.Size
	}

	return size, nil
}
