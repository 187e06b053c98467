// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/bundle"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/image"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/oci"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/sbom"
	"github.com/wawebhook/whatsapp-webhook-operator/hack/release/schema"
)

const crdFile = "config/crd/bases/whatsapp.wawebhook.dev_whatsappwebhooks.yaml"

// publishImages builds the images of the manager and of receivers, and pushes them.
func (r *release) publishImages(ctx context.Context) error {
	platforms, err := image.ParsePlatforms(join(r.images))
	if err != nil {
		return err
	}

	b := image.Builder{
		Version:   r.version,
		Revision:  r.revision,
		Platforms: platforms,
		Created:   r.created,
		MaxSize:   image.MaxSize,
	}

	targets, err := image.ParseTargets([]string{"manager=./cmd/manager", "receiver=./cmd/receiver"}, r.prefix+product+"/", r.version)
	if err != nil {
		return err
	}

	for _, target := range targets {
		built, err := b.Build(ctx, target)
		if err != nil {
			return fmt.Errorf("%s: %w", target.Name, err)
		}

		if err := oci.PushIndex(ctx, target.Tag, built.Index); err != nil {
			return err
		}

		if err := r.addImage(built); err != nil {
			return fmt.Errorf("%s: %w", target.Name, err)
		}
	}

	return nil
}

// addImage records an image, and writes the list of its packages.
func (r *release) addImage(built *image.Built) error {
	described, err := partial.Descriptor(built.Index)
	if err != nil {
		return err
	}

	a := artifact{
		Tag:         built.Tag.String(),
		Digest:      described.Digest.String(),
		Platforms:   map[string]string{},
		SBOM:        built.Name + ".spdx.json",
		descriptors: []v1.Descriptor{withoutPlatform(*described)},
	}

	root := r.packageOf(built, described.Digest, "")
	document := sbom.New(root, r.created)

	for _, variant := range built.Images {
		described, err := partial.Descriptor(variant.Image)
		if err != nil {
			return err
		}

		a.Platforms[variant.Platform.String()] = described.Digest.String()
		a.descriptors = append(a.descriptors, withoutPlatform(*described))

		in := r.packageOf(built, described.Digest, variant.Platform.String())
		document.AddVariant(root, in)
		document.AddProgram(in, variant.Program)
		document.AddModule(in, image.RootsModule, image.RootsVersion())
	}

	r.artifacts = append(r.artifacts, a)

	return r.writeJSON(a.SBOM, document)
}

func (r *release) packageOf(built *image.Built, digest v1.Hash, platform string) sbom.Artifact {
	repository := built.Tag.Context().Name()
	a := sbom.Artifact{
		Name:      repository,
		Version:   r.version,
		SHA256:    digest.Hex,
		URL:       "pkg:oci/" + built.Name + "@" + url.QueryEscape(digest.String()) + "?repository_url=" + url.QueryEscape(repository),
		Container: true,
	}

	if platform != "" {
		a.Name += " " + platform
	}

	return a
}

func withoutPlatform(d v1.Descriptor) v1.Descriptor {
	return v1.Descriptor{
		MediaType: d.MediaType,
		Digest:    d.Digest,
		Size:      d.Size,
	}
}

// writeSchemas writes the JSON Schema of each version of the resource.
func (r *release) writeSchemas(context.Context) error {
	crd, err := os.ReadFile(crdFile)
	if err != nil {
		return err
	}

	schemas, err := schema.Convert(crd)
	if err != nil {
		return err
	}

	for _, file := range slices.Sorted(maps.Keys(schemas)) {
		if err := r.write(file, schemas[file]); err != nil {
			return err
		}
	}

	return nil
}

// publishBundle generates the bundle from install.yaml, and pushes it as an image. The file of the release is an archive.
func (r *release) publishBundle(ctx context.Context) error {
	files, err := r.bundle()
	if err != nil {
		return err
	}

	archive, err := bundle.Pack(files, r.created)
	if err != nil {
		return err
	}

	if err := r.write(bundleFile, archive); err != nil {
		return err
	}

	content := make([]image.File, 0, len(files))
	for _, file := range slices.Sorted(maps.Keys(files)) {
		content = append(content, image.File{
			Name:    file,
			Mode:    fs.FileMode(0o644),
			Content: files[file],
		})
	}

	layer, err := image.Layer(content...)
	if err != nil {
		return err
	}

	built, err := bundleImage(layer, r)
	if err != nil {
		return err
	}

	tag, err := r.tag(product+"/bundle", r.version)
	if err != nil {
		return err
	}

	if err := oci.PushImage(ctx, tag, built); err != nil {
		return err
	}

	described, err := partial.Descriptor(built)
	if err != nil {
		return err
	}

	r.artifacts = append(r.artifacts, artifact{
		Tag:         tag.String(),
		Digest:      described.Digest.String(),
		descriptors: []v1.Descriptor{withoutPlatform(*described)},
	})

	return nil
}

func (r *release) bundle() (map[string][]byte, error) {
	install, err := os.ReadFile(filepath.Join(r.out, installFile))
	if err != nil {
		return nil, err
	}

	folder := filepath.Join("charts", product)

	chart, err := os.ReadFile(filepath.Join(folder, "Chart.yaml"))
	if err != nil {
		return nil, err
	}

	icon, err := os.ReadFile(filepath.Join(folder, "icon.svg"))
	if err != nil {
		return nil, err
	}

	return bundle.Generate(bundle.Release{
		Version: r.semver(),
		Created: r.created,
		Install: install,
		Chart:   chart,
		Icon:    icon,
	})
}

// bundleImage returns an image that only carries the files of the bundle.
func bundleImage(layer v1.Layer, r *release) (v1.Image, error) {
	base, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS:           "linux",
		Architecture: "amd64",
		Created:      v1.Time{Time: r.created},
		RootFS:       v1.RootFS{Type: "layers"},
		Config:       v1.Config{Labels: bundle.Labels},
	})
	if err != nil {
		return nil, err
	}

	filled, err := mutate.Append(base, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: r.created}, CreatedBy: "hack/release"},
	})
	if err != nil {
		return nil, err
	}

	filled = mutate.ConfigMediaType(mutate.MediaType(filled, types.OCIManifestSchema1), types.OCIConfigJSON)
	described := image.Described{
		Title:    product + " bundle",
		Text:     "The operator's bundle for the Operator Lifecycle Manager.",
		Version:  r.version,
		Revision: r.revision,
		Created:  r.created,
	}

	annotated, ok := mutate.Annotations(filled, described.Annotations()).(v1.Image)
	if !ok {
		return nil, errors.New("the annotated image is not an image")
	}

	return annotated, nil
}

// goVersion returns the toolchain that builds the programs, which is that of this program.
func goVersion() string {
	info, _ := debug.ReadBuildInfo()

	return info.GoVersion
}
